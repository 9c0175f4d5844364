"""What an answer of the HTTP Event Collector means for the payload.

| answer | fate |
|---|---|
| 2xx with a JSON object (24, 25: near a limit) or no body | taken |
| 2xx with another body | Misconfigured: a portal or a wrong URL answered, no event collector |
| 6, 12, 13, 15 with `invalid-event-number` | Refused: those before it are indexed, it is parked, the rest resent |
| 6 naming object 0 of a large body with several parts | TooLarge: some collectors answer so instead of 413 |
| 5; 6, 12, 13, 15 with no usable object number | Permanent: bisected, so a part may repeat |
| 1-4, 7, 10, 11, 14, 16, 21, 22, 28 | Misconfigured (7 names the object after the culprit; all have the same index) |
| 8, 9, 18-20, 23, 26, 27 | Transient |
| no known code | by status: `transport.answers`; but a 4xx that would blame a record is Misconfigured: |
| | a collector always says what it does not like |
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry.model import Payload
from logferry.transport.answers import by_status, quote, retry_after
from logferry.transport.web import Reply
from logferry.vault import Secret

__all__ = ["ACK_OFF", "BUSY", "HEALTHY", "SLOW_DOWN", "Answer", "fate", "of_poll", "read"]

HEALTHY = 17
ACK_OFF = 14
SLOW_DOWN = frozenset({24, 25})  # taken, but near a limit
BUSY = frozenset({9, 26, 27})  # not taken: over the limit
_ONE_EVENT = frozenset({6, 12, 13, 15})
_INTERNAL = 8
_BY_CODE: Mapping[int, type[Misconfigured | Permanent | Transient]] = {
    **dict.fromkeys((1, 2, 3, 4, 7, 10, 11, ACK_OFF, 16, 21, 22, 28), Misconfigured),
    **dict.fromkeys((8, 18, 19, 20, 23, *BUSY), Transient),
    **dict.fromkeys((5, *_ONE_EVENT), Permanent),
}
_ADVICE = {
    10: "; the channel that was sent did not arrive: does a proxy drop X-Splunk-Request-Channel?",
    11: "; the channel that was sent is a GUID: does something rewrite X-Splunk-Request-Channel?",
    28: "; behind a load balancer, acknowledgement needs sticky sessions by cookie",
}
# From here on a body is large enough to suspect its size (collectors and proxies may be set below our own limit);
# halving is cheap and repeats nothing, since none of such a body was indexed.
_LARGE = 256 * 1024


class Answer(Struct, frozen=True):
    """The collector's JSON, as far as it is one."""

    code: int  # -1: there is none
    number: int  # `invalid-event-number`; -1: there is none
    summary: str  # status, code, text and object for a message
    ack: int = -1  # `ackId`; -1: there is none


def read(reply: Reply, token: Secret) -> Answer:
    """Whatever the body is, a proxy's HTML included."""
    found = _object(reply.body)
    if found is None or type(found.get("code")) is not int:
        excerpt = quote(reply.body, [token])
        return Answer(-1, -1, f"HTTP {reply.status}" + (f": {excerpt}" if excerpt else ""))
    code, given = found["code"], found.get("invalid-event-number")
    number, ack = _whole(given), _whole(found.get("ackId"))
    text = quote(str(found.get("text", "")).encode(errors="replace"), [token])
    where = "" if given is None else f", object {number}"
    return Answer(code, number, f"HTTP {reply.status} code {code} ({text}){where}{_ADVICE.get(code, '')}", ack)


def fate(answer: Answer, reply: Reply, payload: Payload, now: float) -> DeliveryError | None:
    """The error to raise; None: taken. `now` is Unix time."""
    if 200 <= reply.status < 300:
        if answer.code >= 0 or reply.body.lstrip()[:1] in (b"", b"{"):
            return None
        return _no_collector(answer)
    if answer.code in _ONE_EVENT and 0 <= answer.number < len(payload.parts):
        return _of_one_event(answer, payload)
    kind = _BY_CODE.get(answer.code)
    if kind is None:
        error = by_status(reply, answer.summary, now)
        return _no_collector(answer) if type(error) is Permanent and answer.code < 0 else error
    if kind is Transient:
        return Transient(answer.summary, retry_after=retry_after(reply, now), in_doubt=answer.code == _INTERNAL)
    return kind(answer.summary, in_doubt=answer.code in _ONE_EVENT)  # what stands before the culprit is indexed


def of_poll(reply: Reply, token: Secret, now: float) -> frozenset[int]:
    """Which ids `/services/collector/ack` calls done. Raises Transient or Misconfigured."""
    found = _object(reply.body)
    acks = found.get("acks") if found else None
    if 200 <= reply.status < 300 and isinstance(acks, dict):
        return frozenset(int(name) for name, done in acks.items() if done is True and name.isdecimal())
    answer = read(reply, token)
    error = fate(answer, reply, Payload((), (), b""), now)
    if isinstance(error, Transient):
        raise error
    raise Misconfigured(f"acknowledgements cannot be asked for: {answer.summary}", in_doubt=True)


def _whole(number: object) -> int:
    return number if isinstance(number, int) and not isinstance(number, bool) else -1


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _no_collector(answer: Answer) -> DeliveryError:
    return Misconfigured(f"not the answer of an event collector, is the URL right? {answer.summary}")


def _of_one_event(answer: Answer, payload: Payload) -> DeliveryError:
    large = len(payload.parts) > 1 and len(payload.body) >= _LARGE
    if answer.code == 6 and answer.number == 0 and large:
        return TooLarge(f"{answer.summary}; perhaps for the size of the body, {len(payload.body)} bytes")
    return Refused(answer.summary, refused={answer.number: answer.summary}, delivered=range(answer.number))
