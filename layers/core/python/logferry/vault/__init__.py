"""Secrets by reference. `secret://<kind>/<rest>` is resolved by the file `vault/<kind>.py`.

Each file has `read(rest: str, environ: Mapping[str, str]) -> str`, which raises LookupError with what to do.
A secret's value is in no log line, error, repr or dead letter: it travels as a `Secret`.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from logferry.errors import ConfigError, Misconfigured

__all__ = ["Secret", "Vault"]


class Secret:
    """A value that prints as `***`; `reveal()` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Vault:
    """Resolves references and keeps what it found until told to read again."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._known: dict[str, Secret] = {}

    def resolve(self, reference: str) -> Secret:
        """The secret behind `secret://kind/rest`; Misconfigured (what to do, never the value) if it is missing."""
        if reference not in self._known:
            self._known[reference] = self._read(reference)
        return self._known[reference]

    def refresh(self, reference: str) -> bool:
        """Read it again; whether the value changed."""
        old = self._known.pop(reference, None)
        return self.resolve(reference) != old

    def _read(self, reference: str) -> Secret:
        kind, _, rest = reference.removeprefix("secret://").partition("/")
        known = sorted(module.name for module in pkgutil.iter_modules(__path__))
        if not reference.startswith("secret://") or kind not in known or not rest:
            raise ConfigError(
                [f"not a secret reference: expected secret://KIND/NAME with KIND one of {', '.join(known)}"],
                subject="secret",
            )
        try:
            value: str = importlib.import_module(f"logferry.vault.{kind}").read(rest, self._environ)
        except LookupError as error:
            raise Misconfigured(f"{reference}: {error.args[0]}") from None
        return Secret(value)
