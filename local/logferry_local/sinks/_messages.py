"""What the sink writes of one message: its parts, or why it has none."""

from logferry_local.sinks import _events, _rfc3164, _rfc5424
from logferry_local.sinks._frames import Frame

__all__ = ["judge"]


def judge(frame: Frame) -> dict[str, object]:
    """The line of a message; one that breaks the rules is kept as it came, with the reason."""
    wrong = frame.wrong
    if not wrong:
        try:
            return {**_read(frame.message), "framing": frame.framing}
        except ValueError as error:
            wrong = str(error)
    return {"wrong": wrong, "raw": frame.message.decode("utf-8", "backslashreplace"), "framing": frame.framing}


def _read(message: bytes) -> dict[str, object]:
    if _rfc3164.seems(message):
        parts = {"header": "rfc3164", **_rfc3164.parse(message)}
    elif _rfc3164.seems_short(message):
        parts = {"header": "rfc5424_short", **_rfc3164.parse_short(message)}
    else:
        parts = {"header": "rfc5424", **_rfc5424.parse(message)}
    event = _events.parse(str(parts["msg"]))
    return parts if event is None else {**parts, "event": event}
