"""Lambda's poller of a Kinesis data stream: records of one shard, in the order of their sequence numbers.

Source: AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams".
"""

from typing import Annotated

import msgspec

from logferry import arrivals
from logferry.arrivals import Arrival, Arrivals
from logferry.doorbells import Way
from logferry.errors import ConfigError

__all__ = ["FORM", "WAY", "parse"]

WAY: Way = "take"
FORM = "a Kinesis event has Records with eventSource aws:kinesis"

_Sequence = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,64}$(?!\n)")]
_Shard = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}:[0-9]{1,64}$(?!\n)")]


_Arn = Annotated[
    str, msgspec.Meta(pattern=r"^arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[A-Za-z0-9_./:-]{1,300}$(?!\n)")
]


class _Kinesis(msgspec.Struct, rename="camel"):
    sequence_number: _Sequence
    data: str
    approximate_arrival_timestamp: float = 0.0


class _Record(msgspec.Struct):
    kinesis: _Kinesis
    id: _Shard = msgspec.field(name="eventID")
    stream: _Arn = msgspec.field(name="eventSourceARN")
    source: str = msgspec.field(name="eventSource")


def parse(event: object) -> Arrivals | None:
    """The records, lowest first. ConfigError if they are not all of one shard."""
    if arrivals.source_of(event) != "aws:kinesis":
        return None
    records = arrivals.read(event, _Record)
    shards = {(record.source, record.stream, record.id.partition(":")[0]) for record in records}
    if len(shards) > 1:
        raise ConfigError(["Records: are of more than one shard"], subject="event")
    items = [
        Arrival(record.kinesis.sequence_number, record.kinesis.data, record.kinesis.approximate_arrival_timestamp)
        for record in records
    ]
    _, stream, shard = shards.pop()
    stream = stream.partition("/consumer/")[0]  # with enhanced fan-out it is the consumer's
    return Arrivals(stream, sorted(items, key=lambda item: int(item.id)), shard)
