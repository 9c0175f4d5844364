"""The share that is dropped, turned into the share that is kept: exact, in decimal."""

import re
from decimal import Decimal

from logferry.errors import ConfigError
from logferry.expectations import show

__all__ = ["kept", "parse"]

_rate = re.compile(r"[0-9](\.[0-9]{1,20})?", re.ASCII).fullmatch


def parse(value: object, path: str, subject: str) -> Decimal:
    """0 to below 1; ConfigError for what is not: at 1 nothing would be delivered."""
    text = format(Decimal(repr(value)), "f") if isinstance(value, float) and value == value else str(value)  # noqa: PLR0124  # NaN
    found = Decimal(text) if not isinstance(value, bool) and _rate(text) else None
    if found is None or found >= 1:
        raise ConfigError([f"{path}: {show(value)} is not a share from 0 to below 1"], subject=subject)
    return found


def kept(discarded: Decimal) -> str:
    """0.1 -> `90%`, 0.125 -> `87.5%`."""
    text = format((1 - discarded) * 100, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"
