"""Kept connections: whose they are after a fork, a `close()` in between, a clock that was set back."""

import contextlib
import subprocess
import sys
import threading

import pytest
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer

from logferry.errors import Misconfigured
from logferry.transport.web import Web

_FORKS = """
import os, sys
from logferry.transport.web import Web
web, url = Web(), sys.argv[1]
ask = lambda: web.request("POST", url, headers={}, body=b"1", time_out=5).status
assert ask() == 200
child = os.fork()
if child == 0:
    os._exit(0 if ask() == 200 else 1)
assert os.waitpid(child, 0)[1] == 0
assert ask() == 200
web.close()
"""


def test_a_forked_process_makes_connections_of_its_own() -> None:
    """Over a shared one each would be given the other's answers; the first process goes on with its own."""
    with Misbehaving(answer(200)) as server:
        subprocess.run([sys.executable, "-c", _FORKS, server.url], check=True, timeout=20)
        assert (server.connections, len(server.requests)) == (2, 3)


def test_a_connection_in_use_is_not_kept_after_a_close() -> None:
    """Nobody would close it any more; the next request makes a new one."""
    web, begun, closed = Web(), threading.Event(), threading.Event()

    def waits(connection: object) -> None:
        begun.set()
        closed.wait(5)
        answer(200)(connection)  # type: ignore[arg-type]

    with Misbehaving(waits, answer(200)) as server, contextlib.closing(web):
        call = {"target": web.request, "args": ("GET", server.url), "kwargs": {"headers": {}, "time_out": 5}}
        thread = threading.Thread(**call)  # type: ignore[arg-type]
        thread.start()
        begun.wait(5)
        web.close()
        closed.set()
        thread.join(5)
        assert web.request("GET", server.url, headers={}, time_out=5).status == 200
        assert server.connections == 2


def test_a_connection_from_later_than_now_is_not_used() -> None:
    """A clock that was set back does not tell how long it lay idle."""
    now = [1000.0]
    with Misbehaving(answer(200)) as server, contextlib.closing(Web(now=lambda: now[0])) as web:
        for moment in (1000.0, 900.0, 949.0):
            now[0] = moment
            web.request("POST", server.url, headers={}, body=b"x", time_out=5)
        assert server.connections == 2


def _says(head: bytes) -> Behaviour:
    return lambda connection: connection.sendall(b"HTTP/1.1 " + head + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "size"),
    [(b"307 Elsewhere\r\nContent-Length: 0", 100_000), (b"304 Not Modified\r\nTransfer-Encoding: chunked", 1)],
)
def test_who_may_say_more_to_a_request_is_asked_no_other(head: bytes, size: int) -> None:
    """A large body that was sent elsewhere may be unread; chunks may follow where there are none."""
    with Misbehaving(_says(head), answer(200)) as server, contextlib.closing(Web()) as web:
        for body in (b"x" * size, b"1"):
            web.request("POST", server.url, headers={}, body=body, time_out=5)
        assert server.connections == 2


@pytest.mark.parametrize("host", [".receiver.example", "a..example", "a" * 64 + ".example"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_with_a_label_that_is_none_is_misconfigured(host: str, scheme: str) -> None:
    """Behind a proxy too, where no resolver looks at it before TLS does."""
    with (
        Misbehaving(answer(200)) as proxy,
        contextlib.closing(Web(proxy=lambda: proxy.url)) as web,
        pytest.raises(Misconfigured),
    ):
        web.request("POST", f"{scheme}://{host}/", headers={}, body=b"1", time_out=5)


@pytest.mark.parametrize("ends", [b"Expires=Wed, 99 Foo 2030 25:61:61 GMT", b"Max-Age=" + b"9" * 400])
def test_a_cookie_whose_date_is_none_spoils_no_answer(ends: bytes) -> None:
    """Also where warnings are errors, as here."""
    said = b"200 OK\r\nContent-Length: 0\r\nSet-Cookie: node=1; " + ends
    with Misbehaving(_says(said)) as server, contextlib.closing(Web(cookies=True)) as web:
        assert web.request("POST", server.url, headers={}, body=b"1", time_out=5).status == 200
