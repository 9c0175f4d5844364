"""Whose access key signs: secret references, names in the environment, or where the AWS SDK finds one.

Temporary keys change: `renew` reads all parts again. The SDK (botocore) is loaded only where nothing else is given.
"""

from collections.abc import Sequence
from typing import Protocol

from logferry.aws_keys import SdkChain
from logferry.errors import Misconfigured
from logferry.secret_stores import env
from logferry.sigv4 import Key
from logferry.vault import Secret, Vault

__all__ = ["ALIBABA_NAMES", "AWS_NAMES", "Environ", "Keyring", "References", "SdkChain", "chosen"]

AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ALIBABA_NAMES = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)


class Keyring(Protocol):
    """One key for each request."""

    def current(self) -> Key:
        """The key to sign with now; Misconfigured if there is none."""
        ...

    def renew(self) -> bool:
        """Read again; whether there is another one now."""
        ...


class References:
    """A key by secret references: id, secret, and for a temporary key its token."""

    def __init__(self, vault: Vault, key_id: str, secret: str, token: str | None = None) -> None:
        self._vault = vault
        self._references = [name for name in (key_id, secret, token) if name]

    def current(self) -> Key:
        """The key as the vault knows it."""
        key_id, secret, *token = map(self._vault.resolve, self._references)
        return _key(self._references[0], key_id.reveal(), secret, token[0] if token else None)

    def renew(self) -> bool:
        """Have the vault read all parts again."""
        try:
            return True in {self._vault.refresh(reference) for reference in self._references}
        except Misconfigured:
            return False  # gone: the next request says so


class Environ:
    """The key that is in the environment at each request, as the runtimes of functions set it anew for each call; where
    there is none, what stands behind."""

    def __init__(self, vault: Vault, names: tuple[str, str, str], otherwise: Keyring | None = None) -> None:
        self._environ, self._names, self._otherwise = vault.environ, names, otherwise
        self._last: Key | None = None

    def current(self) -> Key:
        """The key as it is now."""
        found = self._own()
        if found is not None:
            self._last = found
            return found
        if self._otherwise is None:
            raise Misconfigured(
                f"no access key: give access_key_id and secret_access_key, set {self._names[0]} and {self._names[1]}, "
                "or give the function a role"
            )
        return self._otherwise.current()

    def renew(self) -> bool:
        """Whether the environment has changed since, or what stands behind."""
        try:
            found = self._own()
        except Misconfigured:
            return False  # the next request says so
        if found is None:
            return self._otherwise is not None and self._otherwise.renew()
        before, self._last = self._last, found
        return before is not None and found != before

    def _own(self) -> Key | None:
        key_id, secret, token = map(self._read, self._names)
        if not (key_id and secret):
            return None
        return _key(self._names[0], key_id, Secret(secret), Secret(token) if token else None)

    def _read(self, name: str) -> str:
        try:
            return env.read(name, self._environ)
        except LookupError:
            return ""


def chosen(vault: Vault, given: Sequence[str | None], otherwise: Keyring) -> Keyring:
    """The key of the options (references to id, secret, token) if they name one, else the other one."""
    key_id, secret, token = given
    return References(vault, key_id, secret, token) if key_id and secret else otherwise


def _key(source: str, key_id: str, secret: Secret, token: Secret | None) -> Key:
    name = key_id.strip()
    if not name.isascii() or not name.isprintable() or " " in name or "/" in name:
        raise Misconfigured(f"{source}: holds characters that no access key id has")
    return Key(name, secret, token)
