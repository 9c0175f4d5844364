"""`logferry sls put` as a program, against the embedded log store."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.sls import KEY_ID, SECRET, Caller

from logferry.vault import Secret
from logferry_local.sls_server import serving

COMMAND = [str(Path(sys.executable).with_name("logferry")), "sls", "put"]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """An empty store."""
    with serving(tmp_path / "store", {KEY_ID: Secret(SECRET)}) as at:
        yield at


def put(address: str, *arguments: str, secret: str = SECRET) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environ |= {"SLS_AK_ID": KEY_ID, "SLS_AK_KEY": secret, "SLS_ENDPOINT": address}
    command = [*COMMAND, "--project", "project-one", "--logstore", "waf", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def pulled(address: str) -> bytes:
    """The one shard's log groups."""
    caller = Caller(address)
    reply = caller.pull("waf", 0, caller.cursor("waf", 0, "begin"))
    caller.close()
    assert reply.headers["x-log-end-of-cursor"] == "1"
    return reply.body


def test_files_are_loaded_into_a_new_logstore(tmp_path: Path, address: str) -> None:
    """Project and logstore are made; the logs of all files arrive in order, in groups of at most 1,000."""
    for name, low in (("a", 0), ("b", 1500)):
        lines = (json.dumps({"n": f"<{ordinal}>"}) for ordinal in range(low, low + 1500))
        (tmp_path / name).write_text("\n".join(lines))
    done = put(address, str(tmp_path / "a"), str(tmp_path / "b"), "--topic", "demo", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["logs"], report["groups"], report["bad"]) == (3000, 3, 0)
    body = pulled(address)
    places = [body.index(b"<%d>" % ordinal) for ordinal in range(3000)]
    assert places == sorted(places)
    assert body.count(b"\x1a\x04demo") == 3
    assert done.stderr == ""


def test_second_load_adds(tmp_path: Path, address: str) -> None:
    """A logstore that is there is used as it is."""
    (tmp_path / "a").write_text('{"n": "<1>"}\n')
    assert [put(address, str(tmp_path / "a")).returncode for _ in range(2)] == [0, 0]
    assert pulled(address).count(b"<1>") == 2


def test_bad_lines_are_told_and_the_rest_is_loaded(tmp_path: Path, address: str) -> None:
    """Exit code 1, each bad line as file:line, and every good line in the store."""
    path = tmp_path / "mixed.ndjson"
    path.write_text('{"t": 1700000000, "n": "<1>"}\nnonsense\n{"t": 1700000001, "n": "<2>"}\n{"n": "no time"}\n')
    done = put(address, str(path), "--time-field", "t")
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [f"{path}:2", f"{path}:4"]
    assert done.stdout.startswith("2 logs in 1 log groups")
    assert [text in pulled(address) for text in (b"<1>", b"<2>", b"no time")] == [True, True, False]


def test_wrong_key_is_a_usage_mistake(tmp_path: Path, address: str) -> None:
    """Exit code 2, what the service said and what to do; the secret is not shown."""
    (tmp_path / "a").write_text('{"n": 1}\n')
    done = put(address, str(tmp_path / "a"), secret="wrong-secret")
    assert done.returncode == 2
    assert "SignatureNotMatch" in done.stderr
    assert "wrong-secret" not in done.stderr


def test_five_megabyte_value_arrives(tmp_path: Path, address: str) -> None:
    """A value of 5 MB is a log like another."""
    (tmp_path / "a").write_text(json.dumps({"n": "x" * 5_000_000}))
    assert put(address, str(tmp_path / "a")).returncode == 0
    assert b"x" * 5_000_000 in pulled(address)
