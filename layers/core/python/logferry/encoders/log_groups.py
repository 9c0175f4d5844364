"""Records as log groups of the log service: what PutLogs takes. Wire format: `sls/schema.py`.

A group has one topic, one source and one set of tags for all its logs. A record that was read from a logstore has these
as the fields `__topic__`, `__source__` and `__tag__:…`; they become the group's again, unless fixed ones were given. So
a part is a log behind the rest of its group, and the frame is a list of groups: one for each set that its parts have.
A text stands as it is, anything else as compact JSON; half a surrogate pair becomes U+FFFD. Times are uint32 seconds.

Speed: for each key, what stands before a value of a given length is kept in a list. Bytes are put together as text of
as many characters (latin-1), since most values are ASCII, which need not be encoded one by one: 1.6 times as fast.
What the last record had is tried first: fields and group are mostly the same.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import getitem
from typing import NamedTuple

from logferry.errors import Permanent
from logferry.model import Record, Value
from logferry.sls.write import list_entry, varint
from logferry.values import mend, text_of

__all__ = ["LogGroups", "Rest", "grouped"]

_TOPIC, _SOURCE, _TAG = "__topic__", "__source__", "__tag__:"
_SIZES = 256  # shorter values find what stands before them in a list
_TIMES = 1 << 32
_MAX_REST = 65_536  # bytes: every part carries it
_LOG, _TIME, _NANOS, _PAIR, _KEY, _VALUE = "\x0a", "\x08", "\x25", "\x12", "\x0a", "\x12"
_BYTES = "latin-1"


Rest = Callable[[str, str, dict[str, str]], bytes]
"""Topic, source and tags of a record -> as its LogGroup has them. Permanent if no such group can be sent."""


class _Outline(NamedTuple):
    """What is the same for all records with the same fields in the same order."""

    meta: tuple[str, ...]  # names that belong to the group
    places: tuple[int, ...]  # where these stand
    skip: int  # contents begin here if nothing but meta stands before; -1: they are in between
    contents: tuple[int, ...]
    prefixes: Sequence[Sequence[str]]  # for each content what stands before its value, by the value's length
    keys: Sequence[str]


class LogGroups:
    """The encoder. A log of more than `max_log_bytes` is Permanent."""

    def __init__(self, rest: Rest, max_log_bytes: int) -> None:
        self._max = max_log_bytes
        self._make_rest = rest
        self._outline = lru_cache(maxsize=32)(_new_outline)
        self._rest = lru_cache(maxsize=64)(self._new_rest)
        # Each assigned as one: several threads may encode.
        self._last: tuple[tuple[str, ...], _Outline] = ((), self._outline(()))
        self._last_rest: tuple[_Outline | None, list[str], str] = (None, [], "")

    def encode(self, record: Record) -> bytes:
        """The log behind the rest of its group."""
        fields = record.fields
        names, outline = self._last
        if (mine := tuple(fields)) != names:
            outline = self._outline(mine)
            self._last = mine, outline
        values = _texts(list(fields.values()))
        if outline.skip >= 0:
            meta, contents = values[: outline.skip], values[outline.skip :]
        else:
            meta, contents = [values[place] for place in outline.places], [values[place] for place in outline.contents]
        same, known, rest = self._last_rest
        if outline is not same or meta != known:
            rest = self._rest(outline.meta, tuple(meta))
            self._last_rest = outline, meta, rest
        time, log, nanos = _time(record.time), _joined(outline, contents), record.nanos
        tail = _NANOS + nanos.to_bytes(4, "little").decode(_BYTES) if nanos else ""
        size = len(time) + len(log) + len(tail)
        if size > self._max:
            raise Permanent(f"the log is {size} bytes, more than the {self._max} that one may have")
        return f"{rest}{_entry(size)}{time}{log}{tail}".encode(_BYTES)

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """A LogGroupList; its groups are in the order of `grouped`."""
        if not parts:
            return b""
        first = _head(parts[0])
        size = len(first)
        logs = [part[size:] for part in parts if part.startswith(first)]
        if len(logs) == len(parts):
            return b"".join(_group(first, logs))
        groups: list[bytes] = []
        for rest, indexes in grouped(parts).items():
            size = len(rest)
            groups += _group(rest, [parts[index][size:] for index in indexes])
        return b"".join(groups)

    def _new_rest(self, names: tuple[str, ...], values: tuple[str, ...]) -> str:
        """The rest of a group, behind its length."""
        given = {mend(name): value.encode(_BYTES).decode() for name, value in zip(names, values, strict=True)}
        topic, source = given.pop(_TOPIC, ""), given.pop(_SOURCE, "")
        rest = self._make_rest(topic, source, {name.removeprefix(_TAG): value for name, value in given.items()})
        if len(rest) > _MAX_REST:
            raise Permanent(
                f"topic, source and tags of its log group are {len(rest)} bytes, at most {_MAX_REST} can be"
            )
        return (varint(len(rest)) + rest).decode(_BYTES)


def grouped(parts: Sequence[bytes]) -> dict[bytes, list[int]]:
    """Which parts belong to one group, by its rest, in the order in which each comes first."""
    found: dict[bytes, list[int]] = {}
    last, indexes = b"", []
    for index, part in enumerate(parts):
        if not last or not part.startswith(last):
            last = _head(part)
            indexes = found.setdefault(last, [])
        indexes.append(index)
    return found


def _joined(outline: _Outline, contents: list[str]) -> str:
    """Each value behind what stands before it."""
    pieces = contents * 2
    try:
        pieces[0::2] = map(getitem, outline.prefixes, map(len, contents))
    except IndexError:  # a long value
        known = zip(outline.prefixes, outline.keys, map(len, contents), strict=True)
        pieces[0::2] = [few[size] if size < _SIZES else _prefix(key, size) for few, key, size in known]
    pieces[1::2] = contents
    return "".join(pieces)


def _prefix(key: str, size: int) -> str:
    """What stands before a value of that size; `key` is the message's part that names the key."""
    length = _varint(size)
    return f"{_PAIR}{_varint(len(key) + len(length) + size)}{key}{length}"


@lru_cache(maxsize=256)
def _prefixes(key: str) -> list[str]:
    return [_prefix(key, size) for size in range(_SIZES)]


def _key(name: str) -> str:
    text = _as_bytes(name)
    return f"{_KEY}{_varint(len(text))}{text}{_VALUE}"


def _new_outline(names: tuple[str, ...]) -> _Outline:
    meta = [place for place, name in enumerate(names) if name in (_TOPIC, _SOURCE) or name.startswith(_TAG)]
    contents = [place for place in range(len(names)) if place not in set(meta)]
    skip = len(meta) if meta == list(range(len(meta))) else -1
    keys = [_key(names[place]) for place in contents]
    prefixes = [_prefixes(key) for key in keys]
    return _Outline(tuple(names[place] for place in meta), tuple(meta), skip, tuple(contents), prefixes, keys)


@lru_cache(maxsize=512)
def _time(seconds: int) -> str:
    if not 0 <= seconds < _TIMES:
        raise Permanent(f"time: {seconds} is not between 0 and {_TIMES - 1}, and no log can have another one")
    return _TIME + _varint(seconds)


@lru_cache(maxsize=4096)
def _entry(size: int) -> str:
    """What stands before a log of that size."""
    return _LOG + _varint(size)


def _varint(number: int) -> str:
    return varint(number).decode(_BYTES)


def _texts(values: list[Value]) -> list[str]:
    """Each value as its UTF-8 bytes, one character a byte."""
    try:
        if "".join(values).isascii():  # type: ignore[arg-type]  # a TypeError says that one is no text
            return values  # type: ignore[return-value]  # so they are
    except TypeError:
        pass
    return [_as_bytes(value if isinstance(value, str) else text_of(value)) for value in values]


def _as_bytes(text: str) -> str:
    return text if text.isascii() else mend(text).encode().decode(_BYTES)


def _group(rest: bytes, logs: list[bytes]) -> list[bytes]:
    """The entry of a LogGroupList: logs, then the rest without the length before it."""
    bare = rest[_begin(rest) :]
    return [list_entry(sum(map(len, logs)) + len(bare)), *logs, bare]


def _head(part: bytes) -> bytes:
    """The rest of the group, behind its length."""
    begin = _begin(part)
    return part[: begin + sum((digit & 127) << (7 * place) for place, digit in enumerate(part[:begin]))]


def _begin(part: bytes) -> int:
    """Where the rest itself begins."""
    place = 0
    while part[place] > 127:
        place += 1
    return place + 1
