"""A person's mistakes at the command line: one clear sentence, the exit code that the docs name, never a stack."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from logferry_local.cli import main

KEY = {"SLS_AK_ID": "id", "SLS_AK_KEY": "key"}
NO_KEY = "no access key: set SLS_AK_ID and SLS_AK_KEY"
SERVE = ["sls", "serve", "--port", "0", "--data"]
SYSLOG_TLS = ["sink", "syslog", "--port", "0", "--out", "out", "--protocol", "tls"]


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own with a file, a database of nobody, and an access key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOGFERRY_SLS_ACCESS_KEYS", raising=False)
    for name, value in {**KEY, "LOGFERRY_STATE": "sqlite:state.db", "LOGFERRY_OBJECTS": "folder:objects"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "file").write_text("nothing")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/meta.sqlite").write_bytes(b"no database" * 500)


def ended(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """Exit code and what was said on standard error."""
    with pytest.raises(SystemExit) as found:
        main(words)
    return found.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["task", "check", "missing.yaml"], 2, "missing.yaml: 1 problem(s)\n  cannot be read: No such file"),
        (["task", "show", "nobody"], 2, "'nobody' is not a task; known: none"),
        (["task", "seek", "nobody", "--to", "noon"], 2, "--to: 'noon' is not begin, end or a time such as 2026-"),
        (["dead", "show", "nobody"], 2, "'nobody' is not a key, or TASK/STREAM/BEGIN/ORDINAL as `logferry dead list"),
        (["dead", "show", "nobody/0/b/1"], 2, "no such letter: logferry dead list --each shows what there is"),
        (["dead", "list", "--since", "noon"], 2, "--since: 'noon' is not a time such as 2026-"),
        (["dead", "list", "--counts", "--each"], 2, "--counts reads no letter: leave out --reason, --since"),
        (["dead", "list", "--state", "shut"], 2, "'shut' is not one of 'open',"),
        (["dead", "edit", "nobody/0/b/1", "--set", "x"], 2, "no such letter"),
        (["dead", "replay", "--task", "nobody"], 2, "'nobody' is not a task; known: none"),
        (["dead", "replay", "--rate", "fast"], 2, "rate: 'fast' is not records per second, such as 50/s"),
        (["dead", "replay", "--to", "other"], 2, "to: needs task beside it"),
        (["dead", "discard"], 2, "name letters, or what to discard: --task, --reason, --since or --stream"),
        (["ledger", "nobody"], 2, "'nobody' is not a task"),
        (["status", "nobody"], 2, "'nobody' is not a task"),
        (["status", "--interval", "0"], 2, "Invalid value for '--interval'"),
        (["invoke", "forwrd", "--event", "file"], 2, "'forwrd' is not one of forward, "),
        (["invoke", "forward", "--event", "missing"], 2, "missing: cannot be read"),
        (["triggers", "run", "--file", "missing"], 2, "missing: 1 problem(s)\n  cannot be read"),
        (["triggers", "run", "--var", "region"], 2, "--var: 'region', expected NAME=VALUE"),
        (["triggers", "run", "--var", "nobody=1"], 2, "vars.nobody: is not in the file"),
        (["package", "--python", "three"], 2, "--python: 'three' is not host or a version such as 3.12"),
        (["package", "--only", "layer-none"], 2, "'layer-none' is not one of layer-core"),
        (["package", "--only", "layer-core", "--out", "file"], 1, "file: File exists"),
        ([*SERVE, "file"], 2, "file: cannot hold a log store: File exists"),
        ([*SERVE, "broken"], 2, "meta.sqlite: file is not a database; restore it"),
        ([*SERVE, "data", "--ttl", "5"], 2, "--ttl: '5' is not a number and ms, s, m, h or d"),
        ([*SERVE, "data", "--access-key", "hunter2"], 2, "--access-key: expected ID:SECRET"),
        ([*SERVE, "data", "--host", "no-such-host.invalid"], 2, "cannot listen on no-such-host.invalid:0: "),
        ([*SYSLOG_TLS], 2, "cert: tls needs cert and key"),
        ([*SYSLOG_TLS, "--cert", "missing", "--key", "missing"], 2, "cert: missing, key: missing: No such file"),
        ([*SYSLOG_TLS, "--cert", "file", "--key", "file"], 2, "cert: file, key: file: "),
        (["sink", "hec", "--port", "0", "--out", "file/out"], 2, "sink hec: file: "),
        (["sls", "put", "--project", "p-1", "--logstore", "l", "missing"], 2, "'missing' does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told(words: Sequence[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What, which value, what was expected; 2 for wrong usage or configuration, 1 for work that failed."""
    found, text = ended(words, capsys)
    assert (found, "Traceback" in text) == (code, False)
    assert said in " ".join(text.split("│")) if "│" in text else said in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "words",
    [
        ["sls", "serve", "--port", "0", "--data", "data"],
        ["sls", "put", "--project", "p-1", "--logstore", "logs", "file"],
    ],
)
def test_a_missing_key_is_told(
    words: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the names to set."""
    for name in KEY:
        monkeypatch.delenv(name)
    assert ended(words, capsys) == (2, NO_KEY + " (or give the function a role)\n")


@pytest.mark.parametrize(
    "words", [["sls", "serve", "--data", "data"], ["sink", "http", "--out", "out"], ["sink", "syslog", "--out", "out"]]
)
def test_a_taken_port_is_told(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By the address, for each server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found, text = ended([*words, "--port", str(port)], capsys)
    assert found == 2
    assert text.endswith(f"cannot listen on 127.0.0.1:{port}: Address already in use\n")


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("LOGFERRY_STATE", "paper:book", 2, "'paper' is not one of: dynamodb, memory, sqlite"),
        ("LOGFERRY_STATE", "sqlite:broken", 2, "/broken: is a directory, expected a file"),
        ("LOGFERRY_STATE", "sqlite:broken/meta.sqlite", 2, "file is not a database; restore it or move it away"),
        ("LOGFERRY_STATE", "sqlite:file/state.db", 1, "/file/state.db: "),
        ("LOGFERRY_OBJECTS", "paper:bag", 2, "'paper' is not one of: folder, oss, s3"),
        ("LOGFERRY_LEASE_SECONDS", "soon", 2, "LOGFERRY_LEASE_SECONDS: 'soon' is not a number of 0 or more"),
    ],
)
def test_a_wrong_environment_is_told(
    name: str, value: str, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name with its value and what it may be."""
    monkeypatch.setenv(name, value)
    found, text = ended(["ledger"], capsys)
    assert (found, said in text) == (code, True), text
