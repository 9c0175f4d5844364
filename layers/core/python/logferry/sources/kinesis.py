"""Records of a Kinesis data stream, as Lambda's poller hands them to `functions/forward`.

A stream is a shard, a position the sequence number behind the last record that is settled: what is presented again
after that is skipped. The poller must hand over one batch of a shard at a time (ParallelizationFactor 1).
Docs: docs/sources/kinesis.md.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from logferry import config
from logferry.arrivals import Arrival, Arrivals
from logferry.config import Duration
from logferry.sources import Surroundings
from logferry.sources._bodies import Envelope, Form, MostRecords, Piece
from logferry.sources._held import HeldSource
from logferry.sources._moments import TimeField
from logferry.sources._packed import records, unpacked
from logferry.sources._posts import revive
from logferry.sources._subscription import Body, events

__all__ = [
    "IDENTITY",
    "PLACE",
    "Config",
    "answer",
    "blocks",
    "build",
    "is_kept",
    "ready",
    "revive",
    "rings",
    "stream_of",
    "unpack",
]

IDENTITY = ("stream",)
PLACE = ("stream",)
_MB = 1_048_576

Named = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]{12}:stream/)?[A-Za-z0-9_.-]{1,128}$(?!\n)",
        description="the name or the ARN of a Kinesis data stream",
    ),
]


class Config(config.Config, frozen=True, kw_only=True):
    """`source: {kinesis: …}`."""

    stream: Named
    format: Literal["json", "cloudwatch"] = "json"
    message: Body = "json"
    envelope: Envelope | None = None
    time_field: TimeField | None = None
    max_inflated: Annotated[int, msgspec.Meta(ge=1, le=64 * _MB, description="1-67108864 bytes")] = 16 * _MB
    max_records: MostRecords = 100_000
    spill_after: Duration = "12h"

    def problems(self) -> list[str]:
        """What needs more than one option."""
        if self.format == "cloudwatch" and (self.envelope or self.time_field):
            return ["format: cloudwatch goes with neither envelope nor time_field: the form says both"]
        return []


def build(options: Config, surroundings: Surroundings) -> HeldSource:
    """The source; it reaches nothing by itself."""
    return HeldSource(options.time_field, surroundings.clock)


def ready(options: Config, surroundings: Surroundings) -> str:
    """What a check is told."""
    del surroundings
    return f"takes what Lambda hands over of {options.stream}"


def rings(options: Config, bell: object) -> bool:
    """Whether the event is of this stream. A name is that of any account and region."""
    return isinstance(bell, Arrivals) and options.stream in (bell.place, bell.place.rpartition(":stream/")[2])


def stream_of(options: Config, bell: Arrivals) -> str:
    """The shard, as the ledger calls it: with region and account where the task may read streams of several."""
    if options.stream == bell.place:
        return bell.stream
    return ":".join([*bell.place.split(":")[3:5], bell.stream])


def unpack(options: Config, item: Arrival) -> list[Piece]:
    """The records of one record of Kinesis: it may hold many, compressed or not."""
    try:
        data = base64.b64decode(item.data, validate=True)
    except (binascii.Error, ValueError):
        return [Piece(item.data.encode("utf-8", "replace"), "not base64", item.at)]
    if data.startswith(b"\xf3\x89\x9a\xc2"):
        return [Piece(data, "an aggregate of the Kinesis Producer Library, which is not read here", item.at)]
    form = Form(envelope=options.envelope or "", most=options.max_records)

    def read(text: bytes) -> list[Piece]:
        if options.format == "cloudwatch":
            return events(text, options.message, options.max_records)
        return records(text, form)

    return [piece._replace(at=piece.at or item.at) for piece in unpacked(data, options.max_inflated, read)]


def is_kept(options: Config, item: Arrival, now: float) -> bool:
    """Whether the record can be left to the stream: Kinesis holds it for a day at least."""
    return now - item.at < config.seconds(options.spill_after)


def blocks(bell: Arrivals) -> bool:
    """Whether what is not settled keeps back what comes after it: the shard stands still."""
    del bell
    return True


def answer(bell: Arrivals, failed: Mapping[str, str]) -> dict[str, object]:
    """The lowest one that is not settled: from there on the poller hands over again."""
    first = next((item.id for item in bell.items if item.id in failed), None)
    return {"batchItemFailures": [{"itemIdentifier": first}] if first else []}
