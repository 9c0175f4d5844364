"""Timestamps in one form, whatever form they came in: RFC 3339, or Unix seconds, milliseconds, nanoseconds."""

from typing import Annotated, Literal

import msgspec

from logferry.config import Config

__all__ = ["Format", "Timestamps"]

Format = Literal["rfc3339", "unix_s", "unix_ms", "unix_ns"]
_Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]


class Timestamps(Config, frozen=True):
    """The form, and the fields that are put into it."""

    format: Format
    fields: Annotated[
        tuple[_Field, ...], msgspec.Meta(min_length=1, max_length=100, description="a list of 1-100 field names")
    ]
