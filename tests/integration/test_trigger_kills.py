"""kill -9 of `forward` under the real trigger runner, at named steps; then runner and sweep until nothing is behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, ROOT, Ferry, ferry

from logferry_local.sinks import hec
from logferry_local.trigger_runner import Firing
from logferry_local.trigger_runner.assembly import Plan, assemble
from logferry_local.trigger_runner.logstores import cursors_of
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

RECORDS, GROUP, PULL = 600, 20, 5  # 30 groups, five to a pull: batches of 100 records
MORTAL = """from logferry import calls, runtime
from tests.fakes.mortal import armed

handler = runtime.entry(armed(calls.forward))
initialize = runtime.initializer()
"""
VARIABLES = {"project": PROJECT, "logstore": LOGSTORE}


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Many small batches, a save after each."""
    with ferry(tmp_path, settings=[("LOGFERRY_SAVE_SECONDS", "0"), ("PYTHONPATH", str(ROOT))]) as made:
        made.put(RECORDS, group=GROUP)
        yield made


def runner(boat: Ferry, step: str, count: int) -> TriggerRunner:
    """The real `s.yaml`, with a `forward` that dies once."""
    functions = boat.folder / "functions"
    for app in (ROOT / "functions").glob("*/app.py"):
        shutil.copytree(app.parent, functions / app.parent.name)
    (functions / "forward/app.py").write_text(MORTAL)
    mark = boat.folder / "died"
    environ = {**boat.environ, "MORTAL_STEP": step, "MORTAL_COUNT": str(count), "MORTAL_MARK": str(mark)}
    plan = Plan(file=ROOT / "s.yaml", functions=functions, environ=environ, endpoint=boat.address, variables=VARIABLES)
    return assemble(plan, cursors_of(boat.environ), Settings(start="begin"))


def fired(boat: Ferry, step: str, count: int) -> list[Firing]:
    """All calls of the log trigger until it sees nothing new."""
    made = runner(boat, step, count)
    try:
        found = made.run_until_idle()
    finally:
        made.close()
    assert (boat.folder / "died").exists(), "it never came to that step"
    assert any(firing.attempts > 1 for firing in found), "the platform did not call again"
    return found


def prove(boat: Ferry, task: str, parked: int = 0) -> None:
    """Sweep until nothing is behind; everything arrived, what is there twice fits one save interval."""
    boat.until_done()
    received = boat.received(task)
    assert len(received) == RECORDS
    counts = boat.verified(task)
    assert (counts.read, counts.delivered, counts.parked) == (RECORDS + parked, RECORDS, parked)
    repeated = sum(received.values()) - len(received)
    assert repeated <= PULL * GROUP
    assert repeated <= counts.maybe_repeated


@pytest.mark.parametrize(("step", "count"), [("sent", 5), ("saving", 3), ("saved", 1), ("saved", 4), ("answering", 1)])
def test_forward_killed_under_its_trigger_on_the_way_to_hec(boat: Ferry, step: str, count: int) -> None:
    """Sent but not saved, about to save, taken but nothing sent, saved, saved but not answered."""
    boat.hec(to={"max_records": 30}, source={"max_groups": PULL})
    fired(boat, step, count)
    prove(boat, "to-hec")


@pytest.mark.parametrize("step", ["sent", "saved"])
def test_forward_killed_under_its_trigger_on_the_way_to_syslog(boat: Ferry, step: str) -> None:
    """The same over a socket."""
    boat.syslog(source={"max_groups": PULL})
    fired(boat, step, 3)
    prove(boat, "to-syslog")


def test_forward_killed_between_parking_and_saving(boat: Ferry) -> None:
    """The dead letter is there once, and counts once."""
    boat.put(1, big="x" * 3_000)
    boat.total -= 1
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000), source={"max_groups": PULL})
    fired(boat, "parked", 1)
    prove(boat, "to-hec", parked=1)


def test_two_tasks_of_one_doorbell_both_survive_its_death(boat: Ferry) -> None:
    """They shared the pull; each goes on from its own row."""
    boat.hec(to={"max_records": 30}, source={"max_groups": PULL})
    boat.syslog(source={"max_groups": PULL})
    fired(boat, "sent", 7)
    prove(boat, "to-hec")
    prove(boat, "to-syslog")


def test_a_trigger_that_gives_up_is_healed_by_sweep(boat: Ferry) -> None:
    """The receiver is down for as long as the trigger tries; it never rings for this range again."""
    faults = boat.folder / "faults.json"
    faults.write_text('[{"status": 503, "headers": {"Retry-After": "700"}}]')
    boat.hec(sink=hec.Options(token="hec-token", faults=str(faults)))
    functions = ROOT / "functions"
    plan = Plan(
        file=ROOT / "s.yaml", functions=functions, environ=boat.environ, endpoint=boat.address, variables=VARIABLES
    )
    made = assemble(plan, cursors_of(boat.environ), Settings(start="begin", sleep=lambda _: None))
    try:
        gave_up = made.run_until_idle()
        assert [firing.ok for firing in gave_up] == [False] * len(gave_up)
        assert {firing.attempts for firing in gave_up} == {4}
        assert made.run_until_idle() == []
    finally:
        made.close()
    assert boat.received("to-hec") == {}
    boat.rest_is_over("to-hec")
    prove(boat, "to-hec")


def test_the_runner_itself_may_die(boat: Ferry) -> None:
    """kill -9 of `logferry triggers run` in the midst of a delivery; another one goes on, and sweep heals the rest."""
    boat.hec(to={"max_records": 5, "in_flight": 1}, source={"max_groups": PULL})
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "triggers", "run", "--until-idle"]
    command += ["--endpoint", boat.address, "--from", "begin", "--positions", str(boat.folder / "triggers.json")]
    command += [part for name, value in VARIABLES.items() for part in ("--var", f"{name}={value}")]
    with subprocess.Popen(command, env=boat.environ, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while len(boat.received("to-hec")) < RECORDS / 4 and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -9
    again = subprocess.run(command, env=boat.environ, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert again.returncode == 0
    prove(boat, "to-hec")
