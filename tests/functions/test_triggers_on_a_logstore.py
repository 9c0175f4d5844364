"""The trigger runner against the embedded log store, with functions in processes of their own."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.functions.place import KEY, Place, furnished

from logferry_local.trigger_runner import Firing
from logferry_local.trigger_runner.assembly import Plan, assemble
from logferry_local.trigger_runner.logstores import cursors_of
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A log store whose clock is told."""
    with furnished(tmp_path / "store", now=1_800_000_000.0) as made:
        yield made


@pytest.fixture
def runner(place: Place, tmp_path: Path) -> Iterator[TriggerRunner]:
    """The real `s.yaml` with a function that tells what it was handed."""
    for app in (ROOT / "functions").glob("*/app.py"):
        shutil.copytree(PROBE, tmp_path / "functions" / app.parent.name)
    environ = {"PATH": os.environ["PATH"], **KEY}
    plan = Plan(file=ROOT / "s.yaml", functions=tmp_path / "functions", environ=environ, endpoint=place.address)
    settings = Settings(start="begin", clock=place.clock, sleep=lambda _: None)
    made = assemble(plan, cursors_of(KEY, settings.clock), settings)
    yield made
    made.close()


def handed(firing: Firing) -> dict[str, object]:
    """The event's source, as the function saw it."""
    found: dict[str, object] = json.loads(firing.reply)["event"]["source"]
    return found


def test_each_shards_new_data_rings_once(place: Place, runner: TriggerRunner) -> None:
    """The range ends where the shard ended, and the next begins there."""
    place.put(0)
    place.put(1)
    first = runner.fire_once()
    place.put(1)
    second = runner.fire_once()
    assert [(firing.ok, firing.shard) for firing in first + second] == [(True, 0), (True, 1), (True, 1)]
    assert handed(second[0])["beginCursor"] == handed(first[1])["endCursor"] == first[1].end
    assert handed(second[0])["endCursor"] == place.logstore.get_cursor("1", "end")
    assert handed(first[0])["endpoint"] == place.address
    assert runner.fire_once() == []


def test_a_backlog_comes_in_slices_of_one_interval(place: Place, runner: TriggerRunner) -> None:
    """Data of five minutes, an interval of one: a call for each minute that has data."""
    for _ in range(3):
        place.put(0)
        place.now += 100
    fired = runner.run_until_idle()
    assert len(fired) == 3
    assert [firing.begin for firing in fired[1:]] == [firing.end for firing in fired[:-1]]


def test_a_killed_function_is_a_failed_call_that_is_made_again(place: Place, runner: TriggerRunner) -> None:
    """kill -9 between two calls: the platform starts another instance."""
    place.put(0)
    (first,) = runner.fire_once()
    pid = json.loads(first.reply)["pid"]
    os.kill(pid, signal.SIGKILL)
    place.put(0)
    (second,) = runner.fire_once()
    assert second.ok
    assert json.loads(second.reply)["pid"] != pid


def test_the_timer_calls_sweep(runner: TriggerRunner) -> None:
    """The timer's event arrives as the platform's."""
    (firing,) = runner.fire_timers()
    assert (firing.function, firing.ok) == ("sweep", True)
    assert json.loads(firing.reply)["event"]["triggerName"] == "sweep"
