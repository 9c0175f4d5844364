"""Messages out of a stream (RFC 6587): where one begins with a digit it is an octet count, else LF ends the message."""

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MOST", "Frame", "Frames"]

MOST = 16 * 1024 * 1024  # bytes of one message
_COUNT = re.compile(rb"[1-9][0-9]{0,8} ")
_MAYBE_COUNT = re.compile(rb"[1-9][0-9]{0,8}\Z")


class Frame(NamedTuple):
    """One message and how it was framed; `wrong` says what is the matter with its frame."""

    message: bytes
    framing: str
    wrong: str = ""


class Frames:
    """One connection's stream."""

    def __init__(self) -> None:
        self._held = b""
        self.lost = False  # the stream cannot be followed any further

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """What is complete now."""
        held = self._held + chunk if self._held else chunk
        at = 0
        while at < len(held):
            counted = _COUNT.match(held, at)
            if counted:
                begin, end, framing = counted.end(), counted.end() + int(counted[0]), "octet_counting"
                after = end
            elif _MAYBE_COUNT.match(held, at):
                break
            else:
                begin, end, framing = at, held.find(b"\n", at), "lf"
                after = end + 1
            if not begin <= end <= len(held):  # not yet complete
                if max(end, len(held)) - begin > MOST:
                    yield Frame(held[at : at + 200], framing, f"a message of more than {MOST} bytes")
                    self.lost, at = True, len(held)
                break
            yield Frame(held[begin:end], framing)
            at = after
        self._held = held[at:]

    def rest(self) -> Iterator[Frame]:
        """What the end of the stream has cut."""
        if self._held:
            yield Frame(self._held, "unknown", "the stream ended within this message")
            self._held = b""
