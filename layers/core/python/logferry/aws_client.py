"""One AWS service's client: made at first use and again after a fork, bounded in time, its errors translated.

The SDK's own retries stay on (standard mode, three attempts in all, jittered back-off). What is left afterwards is a
StateError where time heals it (throttling, 5xx, the network), else Misconfigured with what to do. Messages carry the
service's error code but not its text, which can quote a signed request, session token and all.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from logferry.aws_verdicts import verdict
from logferry.errors import LogferryError, Misconfigured, StateError

__all__ = ["OPTIONS", "AwsClient", "Keys"]

Keys: TypeAlias = Callable[[], Mapping[str, str]]
"""The key by boto3's names for it, asked before each use; empty for the SDK's own search."""

OPTIONS = ("region", "endpoint")
ATTEMPTS = 3


class AwsClient:
    """A client of `service`; `subject` names what it is for in errors. `settings` go into botocore's Config."""

    def __init__(
        self, service: str, options: Mapping[str, str], *, subject: str, settings: Mapping[str, Any],
        keys: Keys | None = None,
    ) -> None:  # fmt: skip
        self._service = service
        self._keys: Keys = keys or dict
        self._key: Mapping[str, str] = {}
        self._region = options.get("region") or None
        self._endpoint = options.get("endpoint") or None
        self._subject = subject
        self._settings = settings
        self._lock = threading.Lock()
        self._pid = 0
        self._client: Any = None

    @contextmanager
    def use(self) -> Iterator[Any]:
        """The boto3 client; what its calls raise inside the block and nobody caught becomes our error."""
        try:
            from botocore import exceptions
        except ImportError:
            message = f"{self._subject}: boto3 is not installed: pip install boto3"
            raise Misconfigured(message) from None
        try:
            yield self._made()
        except exceptions.ClientError as error:
            raise self._answered(error.response) from error
        except (
            exceptions.ConnectionError,  # nobody there, TLS, a time-out
            exceptions.HTTPClientError,  # a connection that broke
            exceptions.IncompleteReadError,
            exceptions.FlexibleChecksumError,
            exceptions.MetadataRetrievalError,
        ) as error:
            raise StateError(f"{self._subject}: {type(error).__name__}: {error}") from error
        except exceptions.BotoCoreError as error:  # no credentials, no region, an argument the SDK refuses
            raise Misconfigured(f"{self._subject}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Let go of the connections; a later use makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _made(self) -> Any:  # noqa: ANN401  # boto3 makes its classes at run time
        with self._lock:
            key = self._keys()
            if self._client is None or self._pid != os.getpid() or key != self._key:
                self._key = key
                self._client, self._pid = self._make(), os.getpid()
            return self._client

    def _make(self) -> Any:  # noqa: ANN401  # boto3 makes its classes at run time
        import boto3
        from botocore.config import Config

        # A cloud's runtime may bring an older SDK: what it does not know, it does not do either (checksums).
        settings = {name: value for name, value in self._settings.items() if name in Config.OPTION_DEFAULTS}
        config = Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, **settings)
        # An own session: boto3's default one is shared by all threads and not made for it.
        session = boto3.session.Session()
        try:
            return session.client(
                self._service, region_name=self._region, endpoint_url=self._endpoint, config=config, **self._key
            )
        except ValueError as error:
            raise Misconfigured(f"{self._subject}: {error}") from None

    def _answered(self, response: Mapping[str, Any]) -> LogferryError:
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return verdict(f"{self._subject}: {self._service}", status, code)
