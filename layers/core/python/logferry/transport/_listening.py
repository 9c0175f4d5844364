"""An answer of HTTP/1.x as it comes in (RFC 9112): head, framing, pieces of the body.

Lines are of at most 64 KiB, headers at most 100, interim answers (1xx) at most 20; what breaks a rule is Garbled,
and nothing is guessed: a length that is none, or two that differ, end the matter. Our own, since `http.client` loads
all of `email` to read a head: 10 of 135 CPU-ms at a cold start, where a bare interpreter takes 11. A test holds it
against `http.client`.
"""

import io
import re
from collections.abc import Iterator, Mapping

from logferry.transport._faults import Garbled

__all__ = ["Answer", "Headers", "listen"]

_LONGEST = 65_536
_MOST = 100
_MOST_INTERIM = 20
_BLOCK = 262_144
_STATUS = re.compile(rb"HTTP/1\.([01]) +([0-9]{3})(?: [^\r\n]*)?\r?\n")
# Blanks around a value are taken off afterwards: a pattern for them would try each way to share a long run of them out.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z\x80-\xff-]+):([^\x00\n]*)\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
_BODILESS = frozenset({204, 304})


class Headers(Mapping[str, str]):
    """Names in any case; of one that came several times the values, joined by commas."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._found: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._found[key] = f"{self._found[key]}, {value}" if key in self._found else value

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class Answer:
    """Its head; the body is still to be read."""

    def __init__(self, reader: io.BufferedReader, method: str) -> None:
        found = _STATUS.fullmatch(_line(reader))
        if found is None:
            raise Garbled("no status line")
        self.status = int(found[2])
        pairs, is_folded = _headers(reader)
        self.headers = Headers(pairs)
        self.reader = reader
        self._is_bodiless = method == "HEAD" or self.status in _BODILESS or self.status < 200
        asks = {word.strip() for word in self.headers.get("Connection", "").lower().split(",")}
        stays = "close" not in asks if found[1] == b"1" else "keep-alive" in asks
        is_strange = is_folded or self._is_strange(found[1])
        self.is_last = not stays or self.status == 101 or is_strange  # whether the connection is fit for nothing more

    def pieces(self) -> Iterator[bytes]:
        """The body, as it comes."""
        if self._is_bodiless:
            return
        if "Transfer-Encoding" in self.headers:
            if self.headers["Transfer-Encoding"].strip().lower() != "chunked":
                raise Garbled("an unknown transfer coding")
            yield from self._chunks()
        elif "Content-Length" in self.headers:
            yield from self._counted(self._length())
        else:
            self.is_last = True
            while piece := self.reader.read1(_BLOCK):
                yield piece

    def _is_strange(self, version: bytes) -> bool:
        """Whether two readers may differ on where it ends (RFC 9112 6.1, 6.3): then what follows is nobody's."""
        has_coding, has_length = "Transfer-Encoding" in self.headers, "Content-Length" in self.headers
        if self.status == 304:
            return has_coding  # allowed, and some readers wait for the chunks that it does not have
        if self.status == 204:
            return has_coding or self.headers.get("Content-Length", "0") != "0"
        return has_coding and (has_length or version == b"0")

    def _length(self) -> int:
        values = {value.strip() for value in self.headers["Content-Length"].split(",")}
        value = values.pop()
        if values or not value.isascii() or not value.isdecimal() or len(value) > 18:
            raise Garbled("no length")
        return int(value)

    def _counted(self, left: int) -> Iterator[bytes]:
        while left:
            piece = self.reader.read1(min(left, _BLOCK))
            if not piece:
                raise Garbled("cut short")
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._counted(size)
            if self.reader.readline(3) not in (b"\r\n", b"\n"):
                raise Garbled("a chunk of another size than its own")
        _headers(self.reader)  # trailers: nobody asked for one

    def _chunk_size(self) -> int:
        found = _CHUNK.fullmatch(_line(self.reader))
        if found is None:
            raise Garbled("no chunk")
        return int(found[1], 16)


def listen(reader: io.BufferedReader, method: str) -> Answer:
    """The answer, once interim ones are over."""
    for _ in range(_MOST_INTERIM):
        answer = Answer(reader, method)
        if answer.status >= 200 or answer.status == 101:
            return answer
    raise Garbled("nothing but interim answers")


def _headers(reader: io.BufferedReader) -> tuple[list[tuple[str, str]], bool]:
    """Names and values, and whether one went over several lines (obsolete; a blank instead: RFC 9112 5.2)."""
    found: list[tuple[str, str]] = []
    is_folded = False
    for _ in range(_MOST + 1):
        line = _line(reader)
        if line in (b"\r\n", b"\n"):
            return found, is_folded
        is_more = bool(found) and line.startswith((b" ", b"\t"))
        match = _HEADER.fullmatch(b"folded:" + line if is_more else line)
        if match is None:
            raise Garbled("no header")
        value = match[2].lstrip(b" \t").rstrip(b" \t\r").decode("latin-1")
        if is_more:
            is_folded, (name, begun) = True, found.pop()
            found.append((name, f"{begun} {value}".strip(" ")))
        else:
            found.append((match[1].decode("latin-1"), value))
    raise Garbled("too many headers")


def _line(reader: io.BufferedReader) -> bytes:
    line = reader.readline(_LONGEST + 1)
    if not line:
        raise ConnectionError  # it ended in good order, with nothing said
    if len(line) > _LONGEST or not line.endswith(b"\n"):
        raise Garbled("a line without end")
    return line
