"""What every table asks of a row, so that a row one table takes is taken by all of them.

Keys: 1 to 1,024 bytes of UTF-8 (DynamoDB's limit for a sort key). Values: 350,000 bytes (its limit for an item is
409,600 with keys, versions and names). Expiry: whole seconds (its time-to-live counts in them).
"""

import math
import secrets

from logferry.errors import ConfigError, Conflict

__all__ = ["MAX_KEY", "MAX_VALUE", "check_key", "check_value", "conflict", "new_version", "whole"]

MAX_KEY = 1_024
MAX_VALUE = 350_000


def check_key(partition: str, sort: str | None = None) -> None:
    """ConfigError unless the key fits every table."""
    found = []
    for name, key in (("partition", partition), ("sort", sort)):
        if key is None:
            continue
        size = _size(key)
        if size is None:
            found.append(f"{name}: {key[:60]!r} is not valid Unicode text")
        elif not 1 <= size <= MAX_KEY:
            found.append(f"{name}: {size} bytes of key is not between 1 and {MAX_KEY}")
    if found:
        raise ConfigError(found, subject="state row")


def check_value(value: bytes) -> None:
    """ConfigError unless the value fits every table."""
    if len(value) > MAX_VALUE:
        raise ConfigError([f"value: {len(value)} bytes is more than {MAX_VALUE}"], subject="state row")


def whole(expires: float | None) -> int | None:
    """The expiry in whole seconds, never earlier than asked for; ConfigError if it is no time."""
    if expires is None:
        return None
    if not 0 <= expires < 1e11:  # NaN fails both; 1e11 is the year 5138
        raise ConfigError([f"expires: {expires} is not a Unix time"], subject="state row")
    return math.ceil(expires)


def new_version() -> str:
    """A version nobody had before."""
    return secrets.token_hex(12)


def conflict(partition: str, sort: str, version: str) -> Conflict:
    """The error of a conditional write that lost."""
    return Conflict(f"row {partition!r} {sort!r} is not at the expected version", version=version)


def _size(key: str) -> int | None:
    try:
        return len(key.encode())
    except UnicodeEncodeError:
        return None
