"""Secrets by reference. `secret://<kind>/<rest>` is read by the file `secret_stores/<kind>.py`.

A variable of the environment may hold a reference to another store: then `secret://env/NAME` is what that one holds.
The value is Unicode text: what cannot be encoded is refused here, for an encoder's error would carry the whole value.
A secret's value is in no log line, error, repr or dead letter: it travels as a `Secret`.
"""

import hmac
import importlib
import threading
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NoReturn, Self, SupportsIndex

from logferry import registry
from logferry.errors import ConfigError, Misconfigured, Transient

__all__ = ["Secret", "Vault", "is_reference"]

_ROOM = "logferry.secret_stores"
_AGAIN = 15.0  # seconds until a store that did not answer is asked again


def is_reference(text: str) -> bool:
    """Whether it names a secret rather than being one."""
    return text.startswith("secret://")


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

    def __init__(self, environ: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        self._environ, self._now = environ, now
        self._known: dict[str, Secret] = {}
        self._due: dict[str, float] = {}  # when `current` looks again
        self._given = threading.local()  # what each thread got last

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment itself, as it is now: for keys that a runtime replaces from one call to the next."""
        return self._environ

    def resolve(self, reference: str) -> Secret:
        """The secret behind `secret://kind/rest`; Misconfigured (what to do, never the value) if it is missing.

        Transient where its store does not answer now.
        """
        if reference not in self._known:
            self._keep(reference, self._read(reference))
        found = self._given.__dict__[reference] = self._known[reference]
        return found

    def refresh(self, reference: str) -> bool:
        """Read it again; whether the value changed since this thread got it (another task may have read it again
        meanwhile). What cannot be read stays as it was known: Misconfigured, Transient."""
        new = self._read(reference, anew=True)
        old = self._given.__dict__.get(reference, self._known.get(reference))
        self._keep(reference, new)
        self._given.__dict__[reference] = new
        return new != old

    def current(self, reference: str) -> Secret:
        """As `resolve`, but read again when it is older than its store lets it be. A store that does not answer now is
        no reason to do without what it said before."""
        self._look(reference)
        return self.resolve(reference)

    def _look(self, reference: str) -> None:
        """Again, if it is due."""
        if self._now() >= self._due.get(reference, 0.0) or reference not in self._known:
            try:
                self._keep(reference, self._read(reference))
            except Transient:
                if reference not in self._known:
                    raise
                self._due[reference] = self._now() + _AGAIN

    def _keep(self, reference: str, secret: Secret) -> None:
        self._known[reference] = secret
        self._due[reference] = self._now() + float(_store(reference).KEPT)

    def _read(self, reference: str, *, anew: bool = False) -> Secret:
        store, rest = _store(reference), reference.split("/", 3)[3]
        try:
            value: str = store.read(rest, self._environ)
        except LookupError as error:
            raise Misconfigured(f"{reference}: {error.args[0]}") from None
        if not is_reference(value) or not reference.startswith("secret://env/"):
            return Secret(value)
        if value.startswith("secret://env/"):
            raise Misconfigured(f"{reference}: the variable refers to another variable: name that one")
        if anew:
            self._keep(value, self._read(value))
        else:
            self._look(value)
        return self._known[value]  # this thread was not given it: it asked for the variable


def _store(reference: str) -> ModuleType:
    kind, _, rest = reference.removeprefix("secret://").partition("/")
    known = registry.names(_ROOM.rpartition(".")[2])
    if not is_reference(reference) or kind not in known or not rest:
        raise ConfigError(
            [f"not a reference to a secret (not shown): write secret://KIND/NAME, KIND one of {', '.join(known)}"],
            subject="secret",
        )
    return importlib.import_module(f"{_ROOM}.{kind}")
