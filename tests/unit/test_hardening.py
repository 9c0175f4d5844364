"""Small promises of docs/security.md that are nobody else's to prove."""

import ast
import contextlib
import os
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority

from logferry import objects, state
from logferry.runtime.web import Response
from logferry.stages.operators import matches
from logferry_local.serving.listener import Address, Listener, Receive, Scope, Send, reply

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/core/python/logferry"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*x"])
def test_no_pattern_of_a_task_is_slow(pattern: str) -> None:
    """Patterns that take a backtracking engine the age of the universe take a moment."""
    judge, text = matches.judge(pattern), "a" * 60_000 + "!"
    begun = time.process_time()
    judge(text)
    assert time.process_time() - begun < 2.0


def test_secrets_are_compared_in_constant_time() -> None:
    """Where a signature, a token or a hash of one is checked, `hmac.compare_digest` does it."""
    for name in ("signing.py", "ownership.py", "vault.py", "destinations/kafka/sasl.py"):
        calls = (node for node in ast.walk(ast.parse((LIBRARY / name).read_text())) if isinstance(node, ast.Call))
        assert "hmac.compare_digest" in {ast.unparse(call.func) for call in calls}, name


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """Our own server over TLS: host, port, and the authority to trust."""

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await reply(send, Response(200))

    authority = Authority(folder)
    own = authority.issue()
    server = Listener(application, Address(certificate=own.cert_file, key=own.key_file))
    try:
        yield "127.0.0.1", int(server.address.rpartition(":")[2]), authority.ca_file
    finally:
        server.close()


def test_our_servers_speak_no_old_tls(tmp_path: Path) -> None:
    """A client that knows TLS 1.1 at most gets no connection, one of today does."""
    with listening(tmp_path) as (host, port, authority):
        context = ssl.create_default_context(cafile=str(authority))
        with socket.create_connection((host, port), 5) as raw, context.wrap_socket(raw, server_hostname=host) as made:
            assert made.version() in ("TLSv1.2", "TLSv1.3")
        with pytest.warns(DeprecationWarning, match="TLS"):
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection((host, port), 5) as raw, pytest.raises(OSError, match=r"(?i)protocol|alert|eof"):
            context.wrap_socket(raw, server_hostname=host)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_kept_is_for_its_owner_only(tmp_path: Path) -> None:
    """The table's file, its log files and every object: 0600, in folders of 0700, whatever the umask."""
    before = os.umask(0)
    try:
        table = state.open_table(f"sqlite:{tmp_path}/made/state.db")
        table.put("p", "s", b"v", expect=None)
        objects.open_store(f"folder:{tmp_path}/objects").put("parked/t/letter", b"x")
        found = [*(tmp_path / "made").rglob("*"), *(tmp_path / "objects").rglob("*"), tmp_path / "made"]
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in found}
        table.close()
    finally:
        os.umask(before)
    assert len(modes) > 4
    assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
