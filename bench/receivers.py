"""Receivers that cost next to nothing, in processes of their own: `python -m bench.receivers http|tcp|deaf|nobody`.

They take everything, look at nothing, and end with their standard input; `deaf` takes what is sent and answers only to
GET and HEAD, and where `nobody` is connecting is refused. The port is the first line of output.
"""

import contextlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "running"]

ROOT = Path(__file__).parents[1]
_ANSWER = b'{"text":"Success","code":0}'
# An object store's answer has an ETag, the log service's a request id; nobody else minds.
_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "0"\r\nx-log-requestid: 0\r\n'
_REPLY = _HEAD + b"Content-Length: %d\r\n\r\n%b" % (
    len(_ANSWER),
    _ANSWER,
)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


@contextlib.contextmanager
def running(kind: str) -> Iterator[int]:
    """The port of a receiver in another process."""
    command = [sys.executable, "-m", "bench.receivers", kind]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())  # type: ignore[union-attr]  # asked for as a pipe
        finally:
            process.terminate()


def _http(connection: socket.socket, kind: str) -> None:
    held = b""
    while True:
        while (end := held.find(b"\r\n\r\n")) < 0:
            chunk = connection.recv(65_536)
            if not chunk:
                return
            held += chunk
        length, is_get, is_head = _LENGTH.search(held, 0, end), held.startswith(b"GET "), held.startswith(b"HEAD ")
        left = (int(length[1]) if length else 0) - (len(held) - end - 4)
        held = held[len(held) + left :] if left < 0 else b""
        while left > 0:
            chunk = connection.recv(min(left, 1 << 20))
            if not chunk:
                return
            left -= len(chunk)
        if is_head:
            connection.sendall(_HEAD + b"Content-Length: 0\r\n\r\n")
        elif kind == "http" or is_get:
            connection.sendall(_REPLY)


def _tcp(connection: socket.socket) -> None:
    block = bytearray(1 << 20)
    while connection.recv_into(block):
        pass


def _serve(connection: socket.socket, kind: str) -> None:
    with connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "tcp":
            _tcp(connection)
        else:
            _http(connection, kind)


def _listen(listener: socket.socket, kind: str) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, kind), daemon=True).start()


if __name__ == "__main__":
    server = socket.socket() if sys.argv[1] == "nobody" else socket.create_server(("127.0.0.1", 0))
    if sys.argv[1] == "nobody":
        server.bind(("127.0.0.1", 0))  # taken, but nobody listens
    print(server.getsockname()[1], flush=True)
    if sys.argv[1] != "nobody":
        threading.Thread(target=_listen, args=(server, sys.argv[1]), daemon=True).start()
    sys.stdin.read()
