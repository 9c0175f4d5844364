"""Secrets by reference. `secret://<kind>/<rest>` is resolved by the file `vault/<kind>.py`.

Each file has `read(rest: str, environ: Mapping[str, str]) -> str`, which raises LookupError with what to do. The
value is Unicode text: what cannot be encoded is refused here, for an encoder's error would carry the whole value.
A secret's value is in no log line, error, repr or dead letter: it travels as a `Secret`.
"""

import hmac
import importlib
import pkgutil
import threading
from collections.abc import Mapping
from typing import NoReturn, Self, SupportsIndex

from logferry.errors import ConfigError, Misconfigured

__all__ = ["Secret", "Vault"]


class Secret:
    """A value that prints as `***`, however it is formatted, and cannot be pickled; `reveal()` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # In a time that does not tell how much of a guess was right.
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self._value)


class Vault:
    """Resolves references and keeps what it found until told to read again."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._known: dict[str, Secret] = {}
        self._given = threading.local()  # what each thread got last

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment itself, as it is now: for keys that a runtime replaces from one call to the next."""
        return self._environ

    def resolve(self, reference: str) -> Secret:
        """The secret behind `secret://kind/rest`; Misconfigured (what to do, never the value) if it is missing."""
        if reference not in self._known:
            self._known[reference] = self._read(reference)
        found = self._given.__dict__[reference] = self._known[reference]
        return found

    def refresh(self, reference: str) -> bool:
        """Read it again; whether the value changed since this thread got it (another task may have read it again
        meanwhile). What cannot be read stays as it was known: Misconfigured."""
        new = self._read(reference)
        old = self._given.__dict__.get(reference, self._known.get(reference))
        self._known[reference] = self._given.__dict__[reference] = new
        return new != old

    def _read(self, reference: str) -> Secret:
        kind, _, rest = reference.removeprefix("secret://").partition("/")
        known = sorted(module.name for module in pkgutil.iter_modules(__path__))
        if not reference.startswith("secret://") or kind not in known or not rest:
            raise ConfigError(
                [f"not a reference to a secret (not shown): write secret://KIND/NAME, KIND one of {', '.join(known)}"],
                subject="secret",
            )
        try:
            value: str = importlib.import_module(f"logferry.vault.{kind}").read(rest, self._environ)
        except LookupError as error:
            raise Misconfigured(f"{reference}: {error.args[0]}") from None
        return Secret(value)
