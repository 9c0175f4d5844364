"""Tablestore's client: the vendor's SDK, made at first use and again after a fork, bounded in time, errors translated.

The SDK's own retries (20, and four connects each) are off: three attempts a call, each with 3 s to connect and 5 s of
silence, with a jittered pause between. What is left is a StateError where time heals it, else Misconfigured with what
to do. Messages carry the service's error code but not its text. The key is read anew for each call.
Its C extension is not used: it fits one Python alone, and on any other something else would run than was tested.
What it imports for its asynchronous client and for time series may be missing, as it is in our layer (half of the time
and nearly all of the size): then an empty module stands there while the SDK is imported, and in the SDK for good.
"""

import importlib.util
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from logferry.errors import LogferryError, Misconfigured, StateError
from logferry.vault import Secret

__all__ = ["Key", "Keys", "OtsClient", "Refusal", "Spot"]

ATTEMPTS = 3
_CONNECT, _SILENCE = 3.0, 5.0  # seconds
_PAUSE = 0.1  # seconds at most before the second attempt, four times that before the third
_CONNECTIONS = 32
_UNUSED = {"aiohttp": ("ClientTimeout",), "crc32c": ()}  # module -> names that are imported from it
_SILENT = logging.CRITICAL + 1
_IMPORTING = threading.Lock()  # what stands in for the missing modules is seen by all threads
_PASSING = frozenset(
    (
        *("OTSServerBusy", "OTSServerUnavailable", "OTSInternalServerError", "OTSTimeout", "OTSPartitionUnavailable"),
        *("OTSRowOperationConflict", "OTSOperationConflict", "OTSOperationThrottled", "OTSTableNotReady"),
        *("OTSNotEnoughCapacityUnit", "OTSCapacityUnitExhausted", "OTSTooFrequentReservedThroughputAdjustment"),
    )
)
_ADVICE = {
    "OTSAuthFailed": "check the access key, this machine's clock and the region",
    "OTSNoPermissionAccess": "grant the actions that docs/state.md lists",
    "OTSObjectNotExist": "make the table or correct its name, instance and region",
    "OTSInvalidPK": "the table needs the primary key columns `partition` and `sort`, both strings",
    "OTSQuotaExhausted": "the instance's quota is used up",
}


class Key(NamedTuple):
    """An access key as it is now."""

    key_id: str
    secret: Secret
    token: Secret | None = None


Keys: TypeAlias = Callable[[], Key]


class Spot(NamedTuple):
    """Which table, and where. With a region requests are signed by version 4, else by version 2."""

    instance: str
    table: str
    endpoint: str
    region: str | None

    def __str__(self) -> str:
        return f"tablestore:{self.instance}/{self.table}"


class Refusal(Exception):
    """The service's word for what a caller expects and judges itself; `doubted`: an attempt before may have passed."""

    def __init__(self, code: str, *, doubted: bool) -> None:
        super().__init__(code)
        self.code = code
        self.doubted = doubted


class OtsClient:
    """Calls by the names of the SDK's methods, from any thread."""

    def __init__(self, spot: Spot, keys: Keys, *, sleep: Callable[[float], None], chance: Callable[[], float]) -> None:
        self.spot = spot
        self._keys = keys
        self._sleep = sleep
        self._chance = chance
        self._lock = threading.Lock()
        self._pid = 0
        self._client: Any = None
        self._sdk: Any = None

    @property
    def sdk(self) -> Any:  # noqa: ANN401  # an untyped package
        """The package, imported by the first who asks."""
        with self._lock:
            if self._sdk is None:
                self._sdk = self._imported()
            return self._sdk

    def call(self, method: str, *args: object, judged: tuple[str, ...] = (), attempts: int = ATTEMPTS) -> Any:  # noqa: ANN401  # what the SDK returns
        """The SDK's answer; Refusal for the codes in `judged`. Repeats what may pass: writes must be conditional."""
        client = self._made()
        for attempt in range(attempts):
            found = self._attempt(client, method, args, judged)
            if isinstance(found, Refusal):
                found.doubted = attempt > 0
                raise found
            if not isinstance(found, LogferryError):
                return found
            if not isinstance(found, StateError) or attempt + 1 == attempts:
                raise found
            self._sleep(_PAUSE * 4**attempt * self._chance())
        raise StateError(f"{self.spot}: not asked")

    def close(self) -> None:
        """Let go of the connections; a later use makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.connection.pool.clear()

    def get_credentials(self) -> Any:  # noqa: ANN401  # an untyped package
        """The key as it is now: this object is the SDK's provider of credentials."""
        from tablestore.credentials import Credentials

        key = self._keys()
        return Credentials(key.key_id, key.secret.reveal(), key.token.reveal() if key.token else None)

    def _attempt(self, client: Any, method: str, args: tuple[object, ...], judged: tuple[str, ...]) -> object:  # noqa: ANN401  # an untyped package
        import urllib3
        from google.protobuf.message import DecodeError
        from tablestore.error import OTSClientError, OTSServiceError

        try:
            return getattr(client, method)(*args)
        except OTSServiceError as error:
            code = str(error.get_error_code())
            return Refusal(code, doubted=False) if code in judged else self._answered(code, error.get_http_status())
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            return StateError(f"{self.spot}: {type(reason).__name__} at {self.spot.endpoint}")
        except (OTSClientError, DecodeError) as error:
            return self._strange(error)

    def _answered(self, code: str, status: int) -> LogferryError:
        shown = code if re.fullmatch(r"\w{1,60}", code) else "an unknown code"
        message = f"{self.spot}: Tablestore answered {status} {shown}"
        if status >= 500 or status == 429 or code in _PASSING:
            return StateError(message)
        return Misconfigured(f"{message}: {_ADVICE.get(code, 'check the settings')}")

    def _strange(self, error: Exception) -> LogferryError:
        """An answer that is not what was asked for: the SDK checks its signature, date and checksums."""
        status = getattr(error, "http_status", None)
        if "15 minutes" in str(error):
            return Misconfigured(f"{self.spot}: the service's clock is 15 minutes from ours: set this machine's clock")
        if status is not None and 300 <= status < 500:
            return Misconfigured(f"{self.spot}: {self.spot.endpoint} answered {status}, and not as Tablestore does")
        return StateError(f"{self.spot}: an answer ({status}) is damaged or not Tablestore's")

    def _imported(self) -> Any:  # noqa: ANN401  # an untyped package
        # The SDK warns, both ways, where its C extension does not fit; nobody can do anything about it.
        with _IMPORTING, _stand_ins(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("tablestore").setLevel(_SILENT)
            try:
                import tablestore
            except ImportError:
                message = f"{self.spot}: the SDK is not installed: pip install 'logferry[tablestore]'"
                raise Misconfigured(message) from None
        return tablestore

    def _made(self) -> Any:  # noqa: ANN401  # an untyped package
        sdk = self.sdk
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client, self._pid = self._make(sdk), os.getpid()
            return self._client

    def _make(self, sdk: Any) -> Any:  # noqa: ANN401  # an untyped package
        import urllib3
        from tablestore.retry import NoRetryPolicy

        # It logs each refusal as an error, lost conditions too, and at its default level it spells out every request.
        quiet = logging.getLogger("logferry.state.tablestore.sdk")
        quiet.setLevel(_SILENT)
        client = sdk.OTSClient(
            self.spot.endpoint, instance_name=self.spot.instance, credentials_provider=self, region=self.spot.region,
            socket_timeout=urllib3.Timeout(connect=_CONNECT, read=_SILENCE), max_connection=_CONNECTIONS,
            retry_policy=NoRetryPolicy(), logger_name=quiet.name, enable_native=False,
        )  # fmt: skip
        client.connection.pool.connection_pool_kw["retries"] = urllib3.Retry(0)
        return client


@contextmanager
def _stand_ins() -> Iterator[None]:
    missing = [name for name in _UNUSED if importlib.util.find_spec(name) is None]
    for name in missing:
        sys.modules[name] = module = ModuleType(name)
        vars(module).update(dict.fromkeys(_UNUSED[name]))
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
