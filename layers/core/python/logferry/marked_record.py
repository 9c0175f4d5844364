"""One test record that says what it is, through a task's own encoder and destination.

Used to see whether a destination takes anything at all, and to bring a token to where only its owner can read it.
"""

from logferry.destinations import Destination
from logferry.encoders import Encoder
from logferry.model import Origin, Payload, Record

__all__ = ["MARK", "marked", "send"]

MARK = "logferry_test"  # the field by which a receiver can tell it from a log


def marked(task: str, why: str, now: float, **more: str) -> Record:
    """The record. `why` is `check` or `ownership`."""
    fields = {MARK: why, "task": task, "message": "test record of logferry, not a log", **more}
    return Record(0, int(now), 0, fields)


def send(record: Record, encoder: Encoder, destination: Destination, time_out: float) -> None:
    """Send it alone and have it confirmed. Raises a DeliveryError; Permanent if the encoder cannot write it."""
    part = encoder.encode(record)
    origin = Origin("logferry-test", "0", record.time)
    destination.send(Payload([part], [0], encoder.frame([part]), origin), time_out)
    destination.confirm(time_out)
