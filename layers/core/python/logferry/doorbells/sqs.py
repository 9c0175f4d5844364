"""Lambda's poller of an SQS queue: messages in no order, each settled by itself.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

import msgspec

from logferry import arrivals
from logferry.arrivals import Arrival, Arrivals
from logferry.doorbells import Way
from logferry.errors import ConfigError

__all__ = ["FORM", "WAY", "parse"]

WAY: Way = "take"
FORM = "an SQS event has Records with eventSource aws:sqs"


class _Attributes(msgspec.Struct):
    sent: str = msgspec.field(name="SentTimestamp", default="0")  # ms
    tries: str = msgspec.field(name="ApproximateReceiveCount", default="0")


class _Message(msgspec.Struct):
    id: str = msgspec.field(name="messageId")
    queue: str = msgspec.field(name="eventSourceARN")
    source: str = msgspec.field(name="eventSource")
    body: str = ""
    attributes: _Attributes = msgspec.field(default_factory=_Attributes)


def parse(event: object) -> Arrivals | None:
    """The messages. ConfigError if they are not all of one queue."""
    if arrivals.source_of(event) != "aws:sqs":
        return None
    messages = arrivals.read(event, _Message)
    if len({(message.source, message.queue) for message in messages}) > 1:
        raise ConfigError(["Records: are of more than one queue"], subject="event")
    items = {
        message.id: Arrival(
            message.id, message.body, _number(message.attributes.sent) / 1000, _number(message.attributes.tries)
        )
        for message in messages
    }
    return Arrivals(messages[0].queue, list(items.values()))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
