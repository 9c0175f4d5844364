"""Field values as text. Strings stand as they are; anything else is compact JSON."""

from collections.abc import Mapping

import orjson

from logferry.model import Value

__all__ = ["dump", "mend", "one_line", "text_of"]


def text_of(value: Value) -> str:
    """`x` -> `x`, 5 -> `5`, True -> `true`, None -> `null`, [1] -> `[1]`."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else dump(value).decode()


def dump(value: object) -> bytes:
    """Compact JSON in UTF-8, one line. Half surrogates become U+FFFD, integers over 64 bits stay exact, in a string.

    Bytes (a string whose UTF-8 was broken, from a decoder that did not mend it) are text with U+FFFD. TypeError for
    what JSON cannot hold at all: more than 250 levels, an object that is not data.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_mended(value))


def mend(text: str) -> str:
    """The same text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """Backslash doubled, CR and LF as backslash-r and backslash-n: no line break, and it can be undone."""
    if "\\" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return text


def _mended(value: object) -> object:
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {mend(str(key)): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
