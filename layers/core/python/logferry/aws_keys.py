"""AWS's access key: the environment's, else where the AWS SDK finds one."""

import threading
from collections.abc import Mapping
from typing import Any

from logferry.errors import Misconfigured
from logferry.sigv4 import Key
from logferry.vault import Secret

__all__ = ["SdkChain", "key_of"]


def key_of(environ: Mapping[str, str], otherwise: "SdkChain") -> Key:
    """The key in an environment, which a function's runtime renews; Misconfigured if there is none anywhere."""
    key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not (key_id and secret):
        return otherwise.current()
    token = environ.get("AWS_SESSION_TOKEN")
    return Key(key_id, Secret(secret), Secret(token) if token else None)


class SdkChain:
    """What botocore finds: profile, container, instance, web identity; it renews temporary keys by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None
        self._last: Key | None = None

    def current(self) -> Key:
        """The key in force."""
        try:
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise Misconfigured("no access key: give access_key_id and secret_access_key (boto3 is absent)") from None
        try:
            with self._lock:
                self._found = self._found or _look()
                frozen = self._found.get_frozen_credentials()
        except BotoCoreError as error:  # its text may quote what a credential process said
            raise Misconfigured(f"no access key: the SDK's search ended with {type(error).__name__}") from None
        token = Secret(frozen.token) if frozen.token else None
        self._last = Key(frozen.access_key, Secret(frozen.secret_key), token)
        return self._last

    def renew(self) -> bool:
        """Search anew."""
        with self._lock:
            old, self._found = self._last, None
        try:
            return old is not None and self.current() != old
        except Misconfigured:
            return False  # gone: the next request says so


def _look() -> Any:  # noqa: ANN401  # botocore carries no types
    from botocore.session import Session

    found = Session().get_credentials()
    if found is None:
        raise Misconfigured("no access key: give access_key_id and secret_access_key, or the function a role")
    return found
