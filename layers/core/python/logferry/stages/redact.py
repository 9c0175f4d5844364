"""Redaction: what must not leave, by field or by pattern, dropped, masked, or hashed so that one can still join."""

from typing import Annotated, Literal

import msgspec

from logferry.config import Config, SecretRef

__all__ = ["Rule"]

_Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
_Fields = Annotated[
    tuple[_Field, ...], msgspec.Meta(min_length=1, max_length=500, description="a list of 1-500 field names")
]


class Rule(Config, frozen=True):
    """Whole fields, or (with a pattern) what the pattern finds in them; without fields, in all."""

    action: Literal["drop", "mask", "hash"]
    fields: _Fields | None = None
    pattern: Literal["ip", "email", "card"] | None = None
    key: SecretRef | None = None

    def problems(self) -> list[str]:
        """Something to redact; a key exactly where one is used."""
        found = []
        if self.fields is None and self.pattern is None:
            found.append("fields: is missing, expected fields, a pattern, or both")
        if self.action == "hash" and self.key is None:
            found.append("key: is missing, a hash needs secret://env/NAME or secret://file/PATH")
        if self.action != "hash" and self.key is not None:
            found.append(f"key: is of no use with action {self.action}, only with hash")
        return found
