"""`logferry status` shows who works on what, how late and how fast, and what a person has to know of."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry import wiring
from logferry.ledger import Open
from logferry_local.sinks import hec

COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()", "status"]


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Sixty records, fifty-nine delivered, one parked."""
    with ferry(tmp_path) as made:
        made.put(59)
        made.put(1, big="x" * 3_000)
        made.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000))
        made.until_done()
        yield made


def run(boat: Ferry, *options: str) -> "subprocess.CompletedProcess[str]":
    """The command, in a pipe."""
    return subprocess.run(
        [*COMMAND, *options], env=boat.environ, capture_output=True, text=True, check=False, timeout=60
    )


def stream(boat: Ferry, *options: str) -> dict[str, Any]:
    """The only line of a look."""
    (found,) = json.loads(run(boat, "--json", *options).stdout)["streams"]
    return dict(found)


def behind(boat: Ferry, max_lag: str = "5m") -> None:
    """Ten records more, which nobody delivers; the task's patience is this."""
    boat.put(10)
    port = wiring.workshop(boat.environ).tasks.get("to-hec").task().destination.options
    boat.apply("to-hec", {"splunk_hec": {"url": port.url, "token": "secret://env/HEC_TOKEN"}}, max_lag=max_lag)  # type: ignore[attr-defined]  # the HEC options


def test_a_task_that_is_done_shows_no_trouble(boat: Ferry) -> None:
    """State, stream, what was delivered and what lies parked."""
    found = stream(boat)
    wanted = {"task": "to-hec", "state": "online", "stream": "0", "owner": "", "lag": 0, "delivered": 59}
    assert (wanted | {"parked_open": 1, "failing": False, "problem": "", "last_error": ""}).items() <= found.items()
    assert run(boat, "--check").returncode == 0


def test_the_owner_of_a_stream_is_shown_by_its_name(boat: Ferry) -> None:
    """A worker's nonce is of no use to a person."""
    ledger = wiring.workshop(boat.environ).ledger
    row, now = boat.row("to-hec"), time.time()
    ledger._owner = lambda: "group-host-1#0123456789abcdef"
    opened = Open(begin=row.position, end=row.position, task_version=1)
    assert ledger.claim("to-hec", "0", opened, now=now, until=now + 60)
    assert stream(boat)["owner"] == "group-host-1"


def test_lag_over_the_tasks_patience_is_a_problem(boat: Ferry) -> None:
    """With --check it is exit code 1, and said on standard error."""
    behind(boat, max_lag="1s")
    time.sleep(2.1)
    found = stream(boat)
    assert found["lag"] >= 1
    assert found["lag_over_max"] is True
    checked = run(boat, "--check")
    assert (checked.returncode, "is over max_lag" in checked.stderr) == (1, True)


def test_without_its_source_the_state_table_still_tells(boat: Ferry) -> None:
    """What is not known is a question mark, and why stands beside it; offline it is not even asked."""
    boat.environ["SLS_AK_KEY"] = "wrong"
    wiring.dismiss()
    told = run(boat, "--once")
    assert told.returncode == 0
    assert told.stdout.split("\t")[:7] == ["to-hec", "online", "0", "", "?", "", "59"]
    assert "note: task to-hec: lag unknown, told from the state table alone" in told.stderr
    assert run(boat, "--check").returncode == 1
    offline = run(boat, "--offline", "--check")
    assert (offline.returncode, offline.stderr) == (0, "")


def test_a_held_task_is_a_problem(boat: Ferry) -> None:
    """Why, and when it is tried again."""
    wiring.workshop(boat.environ).holds.hold("to-hec", "HTTP 403", time.time())
    found = stream(boat)
    assert (found["state"], found["problem"], found["last_error"]) == ("unhealthy", "held: HTTP 403", "HTTP 403")
    assert 0 < found["retry_in"] <= 30
    assert run(boat, "--check", "to-hec").stderr == "to-hec 0: held: HTTP 403\n"


def test_a_failing_stream_is_a_problem_and_a_paused_one_is_not(boat: Ferry) -> None:
    """What a person wanted so is no alarm."""
    boat.apply("nowhere", {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/HEC_TOKEN"}})
    boat.sweep(6)
    found = stream(boat, "nowhere")
    assert (found["failing"], found["problem"].startswith("failing: Transient")) == (True, True)
    assert found["retry_in"] > 0
    assert run(boat, "--check", "nowhere").returncode == 1
    wiring.workshop(boat.environ).tasks.set_state("nowhere", "offline")
    assert (stream(boat, "nowhere")["state"], run(boat, "--check", "nowhere").returncode) == ("offline", 0)


def test_rates_come_with_the_second_look(boat: Ferry) -> None:
    """One JSON object a look, until it is interrupted; then exit code 0."""
    with subprocess.Popen(
        [*COMMAND, "--watch", "--json", "--interval", "1"], env=boat.environ, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            first = json.loads(watching.stdout.readline())
            boat.put(20)
            boat.until_done()
            rates = [json.loads(watching.stdout.readline())["streams"][0]["rate"] for _ in range(2)]
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 0
    assert first["streams"][0]["rate"] is None
    assert max(rates) > 0


def test_on_a_terminal_it_is_a_table(boat: Ferry) -> None:
    """Headings, and every word of a long error."""
    error = "HTTP 403, which means that the token is not allowed to write into this index"
    wiring.workshop(boat.environ).holds.hold("to-hec", error, time.time())
    leader, follower = pty.openpty()
    environ = {**boat.environ, "TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen([*COMMAND, "--once"], env=environ, stdout=follower) as shown:
        os.close(follower)
        text = b""
        while select.select([leader], [], [], 30)[0]:
            try:
                text += os.read(leader, 65_536)
            except OSError:  # the other end is closed
                break
        assert shown.wait(20) == 0
    os.close(leader)
    words = text.decode()
    assert all(word in words for word in ("task", "retry in", "unhealthy", "index"))
    assert "\x1b[" in words
