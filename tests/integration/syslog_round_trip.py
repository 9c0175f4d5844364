"""What both syslog daemons are asked: awkward records through the real destination, and what must come of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from logferry import packing
from logferry.config import load
from logferry.destinations import Destination, Surroundings, syslog_server
from logferry.model import Record, Value
from logferry.values import one_line
from logferry.vault import Vault

__all__ = ["SECOND", "deliver", "expected", "opened", "records", "texts", "times"]

SECOND = 1774426530
_AWKWARD = (
    "plain", "a||b=c", "l1\nl2", "l1\r\nl2 <14>1 2026-03-25T08:15:30Z evil - - - - injected", 'q"uo\'te', "C:\\dir\\n",
    "é世🔒", "", "=", "tab\there", "{\"json\": [1, 2]}", "%s %d #012 \\x0a", "  spaces  in  it  ",
)  # fmt: skip


def records(tag: str, count: int = 130) -> list[Record]:
    """Records whose values hold what breaks receivers; each is told from all others by `id`."""
    made = []
    for number in range(count):
        fields: dict[str, Value] = {
            "__topic__": "waf", "id": f"{tag}-{number}", "value": _AWKWARD[number % len(_AWKWARD)], "end": "x",
        }  # fmt: skip
        made.append(Record(number, SECOND + number // 10, number * 1_000_789, fields))
    return made


def expected(sent: Sequence[Record], *, one: bool) -> list[str]:
    """The key=value texts, on one line each where LF ends a message."""
    plain = ["||".join(f"{key}={value}" for key, value in record.fields.items()) for record in sent]
    return [one_line(text) for text in plain] if one else plain


def times(sent: Sequence[Record]) -> list[datetime]:
    """The records' times, cut to the microsecond."""
    return [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=r.time, microseconds=r.nanos // 1000) for r in sent]


def texts(found: Sequence[Mapping[str, Any]], tag: str) -> list[str]:
    """Messages of one test, as the daemon parsed them."""
    return [line["msg"] for line in found if f"id={tag}-" in line["msg"]]


def opened(options: Mapping[str, object]) -> tuple[Any, Destination]:
    """Encoder and destination."""
    config = load(syslog_server.Config, {"host": "127.0.0.1", "hostname": "web-1", "tag": "logferry"} | dict(options))
    around = Surroundings("round-trip", Vault({}))
    return syslog_server.encoder(config, around), syslog_server.build(config, around)


def deliver(options: Mapping[str, object], sent: Sequence[Record]) -> None:
    """The way of a task: check, payloads within limits, confirm, close."""
    encoder, destination = opened(options)
    try:
        destination.check(10)
        parts = ((record.ordinal, encoder.encode(record)) for record in sent)
        for payload in packing.pack(parts, destination.limits, encoder.frame):
            destination.send(payload, 10)
        destination.confirm(10)
    finally:
        destination.close()
