"""JSON nested sixty thousand levels deep, wherever a stranger or a far side may send it: our error, never a crash.

The reader of each place is called as its callers call it; the interpreter's own RecursionError must not come out.
"""

import base64
import contextlib
import gzip
from collections.abc import Callable

import pytest

from logferry import documents, filter_forms
from logferry.destinations.splunk_hec import answers
from logferry.doorbells import cloudwatch
from logferry.errors import LogferryError
from logferry.runtime import events
from logferry.secret_stores import _answers
from logferry.sls import refusals, trigger
from logferry.sls.client import Answer
from logferry.sources import _bodies, _packed
from logferry.stages import custom_fields
from logferry.transport.web import Reply
from logferry.vault import Secret

DEEP = b"[" * 60_000 + b"]" * 60_000
OBJECT = b'{"errorCode": ' + DEEP + b', "messageType": "DATA_MESSAGE"}'
PACKED = base64.b64encode(gzip.compress(OBJECT)).decode()
READERS: dict[str, Callable[[], object]] = {
    "an event": lambda: events.decode(OBJECT),
    "an event of an SLS trigger": lambda: trigger.parse(OBJECT),
    "a subscription of CloudWatch Logs": lambda: cloudwatch.parse({"awslogs": {"data": PACKED}}),
    "a task file in JSON": lambda: documents.read(OBJECT),
    "a task file in YAML": lambda: documents.read(b"a: " + DEEP),
    "a filter to import": lambda: filter_forms.read(DEEP),
    "a post": lambda: _packed.records(OBJECT, _bodies.Form()),
    "a post of an array": lambda: _packed.records(DEEP, _bodies.Form()),
    "a field that holds an object": lambda: custom_fields._object(OBJECT.decode()),
    "the log service's refusal": lambda: refusals.refusal("Op", 400, {}, OBJECT),
    "the log service's answer": lambda: Answer("Op", {}, OBJECT).json(),
    "Splunk's answer": lambda: answers.read(Reply(400, {}, OBJECT), Secret("t")),
    "a secret store's answer": lambda: _answers.document(OBJECT),
}


@pytest.mark.parametrize("place", READERS)
def test_deep_nesting_is_no_crash(place: str) -> None:
    """It is read as far as it must be, or refused in our own words."""
    with contextlib.suppress(LogferryError):
        READERS[place]()


def test_the_text_is_deep_enough() -> None:
    """The decoder itself gives up at this depth, so that the readers have something to survive."""
    import msgspec

    with pytest.raises(RecursionError):
        msgspec.json.decode(OBJECT)
