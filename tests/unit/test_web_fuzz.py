"""Requests in a row to a far side that answers anything, in any pieces, and hangs up anywhere: what is said of each.

Seeded. The far side never says yes before it has all of a body: whether that is a lie, no client could tell.
"""

import contextlib
import gzip
import random
import re
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Self

import pytest
from tests.fakes.certificates import Authority

from logferry.errors import Misconfigured, Transient
from logferry.transport.web import Reply, Web

_FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n<forged>"
_HEADERS = (
    b"X: 1", b"X:\t1 \t", b"X: a\r\n b", b"X : 1", b"no header", b"Connection: keep-alive", b"Connection: close",
    b"Content-Length: 1", b"Content-Length: -1", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip",
)  # fmt: skip
_BEHIND = (*[b""] * 9, _FORGED, b"x", b"\r\n")
_REQUESTS = 70
_APART = 1009  # numbers of requests: no letter that is changed makes another of one
_SECONDS = 0.4
_LATE = 2.0  # seconds beyond the time-out that a busy machine may take


class Hostile:
    """Answers each request by chance; knows of which it has read the head, and of which everything."""

    def __init__(self, seed: int, tls: ssl.SSLContext | None) -> None:
        self._seed, self._tls = seed, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.begun, self.taken = set[int](), set[int]()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    @property
    def connections(self) -> int:
        """How many were made: fewer than requests, else none was kept."""
        return len(self._threads) - 1

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            chance = random.Random(self._seed * 1000 + len(self._threads))  # noqa: S311  # as it says, seeded
            self._threads.append(threading.Thread(target=self._serve, args=(connection, chance)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket, chance: random.Random) -> None:
        connection.settimeout(1)  # an idle one is ended by the far side, too
        with contextlib.suppress(OSError), connection:
            if chance.random() < 0.03:
                return
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as spoken:
                while self._answer(spoken, chance):
                    pass

    def _answer(self, connection: socket.socket, chance: random.Random) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = connection.recv(1)
            if not piece:
                return False
            head += piece
        ident = int(re.findall(rb"X-Id: ([0-9]+)", head)[0])
        left = int((re.findall(rb"Content-Length: ([0-9]+)", head) or [b"0"])[0])
        self.begun.add(ident)
        is_early = chance.random() < 0.06
        until = chance.randrange(left + 1) if is_early else 0
        while left > until and (piece := connection.recv(min(left - until, 65_536))):
            left -= len(piece)
        if not left:
            self.taken.add(ident)
        said, ends = whole(ident, chance, says_yes=not left), True
        if not left:
            said, ends = spoil(said, chance)
        self._say(connection, said + (b"" if ends else chance.choice(_BEHIND)), chance)
        return not ends

    def _say(self, connection: socket.socket, said: bytes, chance: random.Random) -> None:
        is_slow = chance.random() < 0.03  # dripping gains no time
        cut = min(40 if is_slow else chance.choice([0, 0, 0, 5, 40]), len(said))
        for at in range(cut):
            connection.sendall(said[at : at + 1])
            self._ended.wait(_SECONDS / 2 if is_slow else 0)
        connection.sendall(said[cut:])


def whole(ident: int, chance: random.Random, *, says_yes: bool) -> bytes:
    """A good answer that holds the request's number."""
    status = chance.choice([200, 200, 201, 204, 304, 503] if says_yes else [307, 400, 413, 500])
    packed = chance.random() < 0.2
    body = f"<{ident}>".encode() + b"y" * chance.choice([0, 3000])
    body = b"" if status in (204, 304) else gzip.compress(body) if packed else body
    lines = [b"HTTP/1.%d %d So" % (chance.choice([0, *[1] * 7]), status)]
    lines += [b"Content-Encoding: gzip"] if packed else []
    if body and chance.random() < 0.4:
        lines.append(b"Transfer-Encoding: chunked")
        at = chance.randrange(1, len(body))
        pieces = [
            b"%x%s\r\n%s\r\n" % (len(part), chance.choice([b"", b";a=b"]), part) for part in (body[:at], body[at:])
        ]
        body = b"".join(pieces) + chance.choice([b"0\r\n\r\n", b"0\r\nT: 1\r\n\r\n"])
    else:
        lines.append(b"Content-Length: %d" % len(body))
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * chance.choice([0, 0, 0, 1, 2])
    return interim + b"\r\n".join([*lines, b"", b""]) + body


def spoil(said: bytes, chance: random.Random) -> tuple[bytes, bool]:
    """The answer, or what chance leaves of it, and whether the connection ends with it."""
    at, fate = chance.randrange(len(said)), chance.random()
    if fate < 0.1:
        return said[:at], True
    if fate < 0.2:
        return said[:at] + bytes([chance.randrange(256)]) + said[at + chance.randrange(2) :], True
    if fate < 0.35:
        return said.replace(b" So\r\n", b" So\r\n%s\r\n" % chance.choice(_HEADERS), 1), chance.random() < 0.5
    return said, fate > 0.9


def judge(server: Hostile, ident: int, found: Reply | Transient | Misconfigured) -> None:
    """What is said of a request is true."""
    if isinstance(found, Reply):
        for first in re.findall(rb"<(\w+)>", found.body)[:1]:
            assert first != b"forged", "an answer that nobody asked for"
            assert first == b"%d" % ident or first not in {b"%d" % one for one in server.begun}, "another's answer"
        assert found.status >= 300 or ident in server.taken, "taken, without having been read"
    else:
        assert found.in_doubt or ident not in server.begun, "sent, and said not to be"


def ask(web: Web, url: str, ident: int, chance: random.Random) -> Reply | Transient | Misconfigured:
    """One request, of whatever size, within its time."""
    method = chance.choice(["POST", "POST", "PUT", "GET", "HEAD"])
    body = b"b" * chance.choice([1, 5_000, 300_000, 1_500_000]) if method.startswith("P") else None
    begun = time.monotonic()
    try:
        return web.request(method, url, headers={"X-Id": str(ident)}, body=body, time_out=_SECONDS)
    except (Transient, Misconfigured) as error:
        return error
    finally:
        assert time.monotonic() - begun < _SECONDS + _LATE


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_what_is_said_of_a_request_is_true(seed: int, tls: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    """No other's answer, no yes to what was not read, no "not sent" of what was begun; and some of each is seen."""
    authority, chance = Authority(tmp_path), random.Random(seed)  # noqa: S311  # as above
    context = authority.issue().server_context() if tls else None
    found = []
    with Hostile(seed, context) as server, contextlib.closing(Web(ca_file=str(authority.ca_file))) as web:
        for ident in range(10**6, 10**6 + _REQUESTS * _APART, _APART):
            url = f"http{'s' if tls else ''}://127.0.0.1:{server.port}/"
            found.append(ask(web, url, ident, chance))
            judge(server, ident, found[-1])
    answered = sum(isinstance(one, Reply) for one in found)
    assert 0 < answered < _REQUESTS
    assert server.connections < _REQUESTS
