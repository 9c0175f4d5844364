"""A pull with a query: the groups of a reading are run through SPL, and what is left of them is answered.

A log that only was filtered stays byte for byte; one that was changed is written anew, with the topic, source and tags
that it has then. A group of which nothing is left is not answered, but the cursor goes past it. A scan that takes more
than 5 seconds (the service's own limit) ends early, after a group at least.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from logferry.sls.framing import DELIMITED, Entry, entries
from logferry.sls.schema import schema
from logferry.sls.write import encode_log, encode_log_group, list_entry
from logferry_local.sls_server.shards import OutOfRange, Reading
from logferry_local.spl import Program, Row

__all__ = ["Scanned", "scan"]

MAX_SECONDS = 5.0
_LOGS, _TOPIC, _SOURCE, _TAGS = 1, 3, 4, 6  # numbers in a LogGroup
_TAG = "__tag__:"
_TIME, _NANOS = "__time__", "__time_ns_part__"
_Kind = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]  # topic, source, tags


class Scanned(NamedTuple):
    """What is answered, and what it came from."""

    body: bytes
    groups: int
    lines: int
    raw_groups: int
    raw_lines: int
    raw_size: int
    failed_lines: int
    next: int


class _Group(NamedTuple):
    """One group of a reading."""

    data: memoryview
    logs: list[Entry]
    topic: bytes
    source: bytes
    tags: dict[str, str]

    @classmethod
    def read(cls, entry: memoryview) -> "_Group":
        """From its entry in a LogGroupList."""
        [whole] = entries(entry)
        data = entry[whole.begin : whole.end]
        logs = [one for one in entries(data) if (one.number, one.kind) == (_LOGS, DELIMITED)]
        parsed = schema().group_raw.FromString(bytes(data))
        tags = {_TAG + _text(tag.Key): _text(tag.Value) for tag in parsed.LogTags}
        return cls(data, logs, parsed.Topic, parsed.Source, tags)

    def rows(self) -> Iterator[Row]:
        """Each log's fields, topic, source and tags among them."""
        shared = {"__topic__": _text(self.topic), "__source__": _text(self.source), **self.tags}
        for entry in self.logs:
            log = schema().log_raw.FromString(bytes(self.data[entry.begin : entry.end]))
            fields: dict[str, str | int | float | bool | None] = {**shared}
            fields.update((_text(pair.Key), _text(pair.Value)) for pair in log.Contents)
            fields[_TIME] = log.Time
            if log.Time_ns:
                fields[_NANOS] = log.Time_ns
            yield Row(fields)


def scan(reading: Reading, program: Program, clock: Callable[[], float] = time.monotonic) -> Scanned:
    """Run the query over the groups of a reading. Raises what `Reading.body` raises."""
    try:
        return _scan(reading, program, clock)
    except FileNotFoundError:
        raise OutOfRange("the group has been dropped by retention") from None


def _scan(reading: Reading, program: Program, clock: Callable[[], float]) -> Scanned:
    answered: list[bytes] = []
    lines = raw_groups = raw_lines = raw_size = failed = 0
    until = clock() + MAX_SECONDS
    for entry in reading.slice.bodies() if reading.slice else ():
        group = _Group.read(entry)
        rows = list(group.rows())
        kept = [index for index, row in enumerate(rows) if program.run(row)]
        answered += _filtered(group, kept) if program.filters else _written([rows[index] for index in kept])
        lines += len(kept)
        raw_groups, raw_lines, raw_size = raw_groups + 1, raw_lines + len(rows), raw_size + len(entry)
        failed += sum(row.failed for row in rows)
        if clock() > until:
            break
    following = reading.next if raw_groups == reading.count else reading.next - reading.count + raw_groups
    return Scanned(b"".join(answered), len(answered), lines, raw_groups, raw_lines, raw_size, failed, following)


def _filtered(group: _Group, kept: Sequence[int]) -> list[bytes]:
    """The group with these logs only, all else as it came."""
    if not kept:
        return []
    left = {group.logs[index].start for index in kept}
    logs = {log.start for log in group.logs}
    parts = [
        group.data[entry.start : entry.end]
        for entry in entries(group.data)
        if entry.start not in logs or entry.start in left
    ]
    return [list_entry(sum(map(len, parts))) + b"".join(parts)]


def _written(rows: Sequence[Row]) -> list[bytes]:
    """Groups of the logs as they are now; a new one begins where topic, source or tags change."""
    groups: list[tuple[_Kind, list[bytes]]] = []
    for row in rows:
        kind, log = _encoded(row)
        if not groups or groups[-1][0] != kind:
            groups.append((kind, []))
        groups[-1][1].append(log)
    return [_group(kind, logs) for kind, logs in groups]


def _encoded(row: Row) -> tuple[_Kind, bytes]:
    fields = {name: _bytes(value) for name, value in row.fields.items() if name not in (_TIME, _NANOS)}
    topic, source = fields.pop("__topic__", b""), fields.pop("__source__", b"")
    tags = tuple((_bytes(name.removeprefix(_TAG)), fields[name]) for name in fields if name.startswith(_TAG))
    contents = [(_bytes(name), value) for name, value in fields.items() if not name.startswith(_TAG)]
    nanos = row.fields.get(_NANOS) or 0
    # What stood in the log itself may be out of range; what a query sets has been checked.
    nanos = nanos if isinstance(nanos, int) and nanos < 1_000_000_000 else 0
    at = row.fields.get(_TIME)
    return (topic, source, tags), encode_log(at if isinstance(at, int) else 0, nanos, contents)


def _group(kind: _Kind, logs: Sequence[bytes]) -> bytes:
    topic, source, tags = kind
    body = b"".join(list_entry(len(log)) + log for log in logs)  # LogGroup.Logs has the number of a list's groups
    body += encode_log_group((), topic=topic, source=source, tags=tags)
    return list_entry(len(body)) + body


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(value: object) -> bytes:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "surrogateescape")
