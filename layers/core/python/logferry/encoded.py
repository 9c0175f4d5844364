"""A batch's records as encoded parts. Where plan and encoder look at names and values alone, no record is ever made.

That is a third of the way to a syslog server: of 17 microseconds a log with 30 fields, 10 went into its record. Both
ways give the same bytes (a test says so for any plan and any log groups).
"""

from collections.abc import Callable, Iterator

from logferry.encoders import Encoder, OfPairs
from logferry.errors import Permanent
from logferry.model import Pairs
from logferry.plan import Plan, Tally
from logferry.sources import Batch, Paired
from logferry.window import Pending

__all__ = ["encoded"]

Refuse = Callable[[int, Permanent], None]


def encoded(
    pending: Pending, plan: Plan, encoder: Encoder, tally: Tally, refuse: Refuse
) -> Iterator[tuple[int, bytes]]:
    """(ordinal, part) of each record that passes the plan; `refuse` hears of what can never be sent."""
    batch: Batch = pending.batch
    if isinstance(encoder, OfPairs) and encoder.takes_pairs and isinstance(batch, Paired):
        pairs = batch.pairs(plan, tally)
        if pairs is not None:
            return _of_pairs(pending, pairs, encoder, refuse)
    return _of_records(pending, plan, encoder, tally, refuse)


def _of_records(
    pending: Pending, plan: Plan, encoder: Encoder, tally: Tally, refuse: Refuse
) -> Iterator[tuple[int, bytes]]:
    encode = encoder.encode
    for record in pending.batch.select(plan, tally):
        if pending.time is None:
            pending.time = record.time
        try:
            yield record.ordinal, encode(record)
        except Permanent as error:
            refuse(record.ordinal, error)


def _of_pairs(
    pending: Pending, pairs: Iterator[Pairs], encoder: OfPairs, refuse: Refuse
) -> Iterator[tuple[int, bytes]]:
    encode = encoder.encode_pairs
    for ordinal, time, nanos, names, values in pairs:
        if pending.time is None:
            pending.time = time
        try:
            yield ordinal, encode(time, nanos, names, values)
        except Permanent as error:
            refuse(ordinal, error)
