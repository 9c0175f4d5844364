"""The demo: everything as processes, counted at the receivers; what is lost or doubled there is told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from logferry_local import demo

NUMBERS = {"read", "delivered", "filtered", "sampled_out", "parked", "received"}
TASKS = {"waf-to-splunk", "waf-to-syslog"}
COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()", "demo"]
PROC = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from Linux's /proc")


def run(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`logferry demo` with its temporary folder in `tmp_path`, from a folder that has nothing to do with it."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_last_line_is_one_object_with_every_number(tmp_path: Path) -> None:
    """All that was loaded arrived at both receivers, the exit code is 0, and no folder is left."""
    found = run(tmp_path, "--records", "700", "--json")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout.splitlines()[-1])
    assert set(document) == {"records", "tasks", "balanced", "seconds"}
    assert set(document["tasks"]) == TASKS
    for task in document["tasks"].values():
        assert set(task) == NUMBERS
        assert (task["read"], task["delivered"], task["received"]) == (700, 700, 700)
    assert document["records"] == 700
    assert document["balanced"] is True
    assert document["seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_keep_leaves_everything_to_look_at(tmp_path: Path) -> None:
    """The folder holds what was received, and the task files."""
    found = run(tmp_path, "--records", "30", "--keep")
    assert found.returncode == 0, found.stderr
    (folder,) = tmp_path.iterdir()
    assert str(folder) in found.stdout
    assert {path.stem for path in (folder / "tasks").iterdir()} == TASKS
    assert len((folder / "received/hec.ndjson").read_bytes().splitlines()) == 30
    assert (folder / "environment").stat().st_mode & 0o077 == 0


def test_a_receiver_that_is_busy_costs_nothing(tmp_path: Path) -> None:
    """Answers of 503 are tried again until everything has arrived, once."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"status": 503, "body": {"text": "Server is busy", "code": 9}}] * 2))
    found = run(tmp_path, "--records", "100", "--json", "--hec-faults", str(faults))
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["tasks"]["waf-to-splunk"]["received"] == 100


def test_a_receiver_that_lies_is_found_out(tmp_path: Path) -> None:
    """It says yes and keeps nothing: the ledger must believe it, the count does not; exit code 1."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"status": 200, "body": {"text": "Success", "code": 0}}]))
    found = run(tmp_path, "--records", "600", "--json", "--hec-faults", str(faults))
    assert found.returncode == 1
    task = json.loads(found.stdout)["tasks"]["waf-to-splunk"]
    assert task["delivered"] == 600
    assert task["received"] < 600
    assert "did not arrive" in found.stderr


def test_one_line_less_is_told(tmp_path: Path) -> None:
    """The count is of the receiver's own file: a line that is taken out of it is missed."""

    def before_counting(files: Mapping[str, Path]) -> None:
        lines = files["waf-to-splunk"].read_bytes().splitlines(keepends=True)
        files["waf-to-splunk"].write_bytes(b"".join(lines[:7] + lines[8:]))

    outcome = demo.run(tmp_path, demo.Options(records=40), before_counting=before_counting)
    assert not outcome.complete
    assert outcome.problems == ["waf-to-splunk: 1 of the loaded records did not arrive"]


@PROC
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_and_takes_the_folder_along(tmp_path: Path, number: signal.Signals) -> None:
    """Stopped in the middle, nothing of it is left."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*COMMAND, "--records", "200000"], env=environ, stderr=subprocess.PIPE) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until = time.monotonic() + 60
        while len(pids := children.read_text().split()) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert len(pids) >= 3, errors
    assert process.returncode != 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.iterdir()) == []
