"""An access key, by secret references or from the environment: our own names first, then the ones the runtimes set.

`SLS_AK_ID`, `SLS_AK_KEY`, `SLS_STS_TOKEN`; else `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`,
`ALIBABA_CLOUD_SECURITY_TOKEN`. Temporary keys change between invocations: read them for each one. A variable may hold
a reference (`secret://aws/…`, `secret://kms/…`): then its part of the key is what that store holds.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from logferry.errors import Misconfigured
from logferry.vault import Secret, Vault, is_reference

__all__ = ["Credentials", "EnvironKeys", "Keys", "VaultKeys", "from_environ"]

_NAMES = (
    ("SLS_AK_ID", "SLS_AK_KEY", "SLS_STS_TOKEN"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
)


class Credentials(Struct, frozen=True):
    """One access key, with its token when it is temporary."""

    access_key_id: str
    access_key_secret: Secret
    security_token: Secret | None = None


def from_environ(environ: Mapping[str, str]) -> Credentials:
    """The first complete key; Misconfigured (naming the variables) if there is none."""
    return EnvironKeys(environ).current()


class Keys(Protocol):
    """Where a client gets its key for each request."""

    def current(self) -> Credentials:
        """The key to sign with now; Misconfigured if there is none."""
        ...

    def renew(self, refused: Credentials) -> bool:
        """Read again after the service refused that key; whether there is another one now."""
        ...


class EnvironKeys:
    """The key in an environment, as it is at each request. `vault` keeps what variables refer to."""

    def __init__(self, environ: Mapping[str, str], vault: Vault | None = None) -> None:
        self._environ, self._vault = environ, vault or Vault(environ)

    def current(self) -> Credentials:
        """The first complete key; Misconfigured (naming the variables) if there is none."""
        for names in _NAMES:
            if all(self._environ.get(name) for name in names[:2]):
                key_id, secret, token = map(self._value, names)
                return Credentials(key_id.reveal(), secret, token if token.reveal() else None)
        raise Misconfigured("no access key: set SLS_AK_ID and SLS_AK_KEY (or give the function a role)")

    def renew(self, refused: Credentials) -> bool:
        """Whether the environment, or what it refers to, has changed since."""
        for name in (name for names in _NAMES for name in names):
            if is_reference(self._environ.get(name, "")):
                self._vault.refresh(self._environ[name])
        return self.current() != refused

    def _value(self, name: str) -> Secret:
        text = self._environ.get(name, "")
        return self._vault.current(text) if is_reference(text) else Secret(text)


class VaultKeys:
    """A key by secret references: id, secret, and for a temporary key its token."""

    def __init__(self, vault: Vault, access_key_id: str, access_key_secret: str, security_token: str | None) -> None:
        self._vault = vault
        self._references = [name for name in (access_key_id, access_key_secret, security_token) if name]

    def current(self) -> Credentials:
        """The key as the vault knows it."""
        key_id, secret, *token = map(self._vault.resolve, self._references)
        return Credentials(key_id.reveal(), secret, token[0] if token else None)

    def renew(self, refused: Credentials) -> bool:
        """Have the vault read all parts again."""
        for reference in self._references:
            self._vault.refresh(reference)
        return self.current() != refused
