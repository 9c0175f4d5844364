"""What every store asks of a key and a body, so that an object one store takes is taken by all of them.

Keys: 1 to 900 bytes of UTF-8 (S3 allows 1,024 with the store's own prefix), parts of at most 255 (a file name's
limit), no control characters. Bodies: 64 MiB, for they are held in memory.
"""

import unicodedata

from logferry.errors import ConfigError

__all__ = ["MAX_BODY", "MAX_KEY", "MAX_PART", "check_body", "check_key", "check_prefix", "mistake"]

MAX_KEY = 900
MAX_PART = 255
MAX_BODY = 64 * 1024 * 1024


def mistake(key: str) -> str | None:
    """What is wrong with the key, None if nothing."""
    try:
        parts = [part.encode() for part in key.split("/")]
    except UnicodeEncodeError:
        return "is not valid Unicode text"
    if any(unicodedata.category(letter) == "Cc" for letter in key):
        return "has a control character"
    if any(part in (b"", b".", b"..") for part in parts):
        return "is not relative, or has an empty part, a . or a .."
    size = sum(map(len, parts)) + len(parts) - 1
    if size > MAX_KEY:
        return f"is {size} bytes long, more than {MAX_KEY}"
    if any(len(part) > MAX_PART for part in parts):
        return f"has a part of more than {MAX_PART} bytes"
    return None


def check_key(key: str) -> None:
    """ConfigError unless the key fits every store."""
    found = mistake(key)
    if found:
        raise ConfigError([f"{key[:80]!r} {found}"], subject="object key")


def check_prefix(prefix: str) -> None:
    """ConfigError unless some key can start with it."""
    if prefix:
        found = mistake(prefix + "x" if prefix.endswith(("/", ".")) else prefix)
        if found:
            raise ConfigError([f"{prefix[:80]!r} {found}"], subject="object prefix")


def check_body(key: str, size: int) -> None:
    """ConfigError if the object is larger than a store holds."""
    if size > MAX_BODY:
        raise ConfigError([f"{key!r}: {size} bytes is more than {MAX_BODY}"], subject="object")
