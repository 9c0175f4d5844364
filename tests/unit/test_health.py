"""The system's hold: one row a task, growing back-off, one probe at a time."""

import threading

import pytest

from logferry import state
from logferry.errors import StateError
from logferry.health import Holds, shown
from logferry.state import Table


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """A table of its own for each test."""
    return state.open_table(f"memory:{request.node.nodeid}")


@pytest.fixture
def holds(table: Table) -> Holds:
    """No task is held."""
    return Holds(table)


def test_back_off_doubles_with_each_probe_up_to_fifteen_minutes(holds: Holds) -> None:
    """30 s, 60 s, … 900 s, counted from the probe."""
    now, waits = 0.0, []
    holds.hold("waf", "401", now)
    for _ in range(8):
        held = holds.health("waf")
        assert held is not None
        waits.append(held.retry_at - now)
        now = held.retry_at
        assert holds.probe("waf", now)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_many_streams_that_fail_at_once_count_once(holds: Holds) -> None:
    """Ten shards do not make the first wait fifteen minutes."""
    for second in range(10):
        holds.hold("waf", f"reason {second}", 100.0 + second)
    held = holds.health("waf")
    assert held is not None
    assert (held.since, held.retry_at, held.attempts, held.reason) == (100.0, 130.0, 1, "reason 9")


def test_a_failed_probe_keeps_the_time_it_moved_to(holds: Holds) -> None:
    """The hold that follows a probe does not add to it."""
    holds.hold("waf", "401", 0.0)
    holds.probe("waf", 30.0)
    holds.hold("waf", "403", 31.0)
    held = holds.health("waf")
    assert held is not None
    assert (held.retry_at, held.attempts, held.reason, held.since) == (90.0, 2, "403", 0.0)


def test_a_hold_from_a_clock_that_ran_years_ahead_is_probed(holds: Holds) -> None:
    """No hold is that long: the clock was wrong, and is right again."""
    holds.hold("waf", "401", 1e9)
    assert holds.probe("waf", 1000.0)
    held = holds.health("waf")
    assert held is not None
    assert held.retry_at == 1060.0


def test_a_hold_after_its_time_is_longer(holds: Holds) -> None:
    """Somebody tried without a probe and failed."""
    holds.hold("waf", "401", 0.0)
    holds.hold("waf", "401", 40.0)
    held = holds.health("waf")
    assert held is not None
    assert held.retry_at == 100.0


def test_a_task_that_is_not_held_may_always_run(holds: Holds) -> None:
    """No row, no question."""
    assert holds.probe("waf", 0.0)
    assert holds.health("waf") is None


def test_before_its_time_nobody_may_probe(holds: Holds) -> None:
    """Calls return at once."""
    holds.hold("waf", "401", 0.0)
    assert not holds.probe("waf", 29.9)


def test_one_of_many_callers_gets_the_probe(holds: Holds) -> None:
    """Whoever writes first."""
    holds.hold("waf", "401", 0.0)
    got: list[bool] = []
    threads = [threading.Thread(target=lambda: got.append(holds.probe("waf", 30.0))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [False] * 7 + [True]


def test_release_ends_the_hold(holds: Holds) -> None:
    """It says whether there was one."""
    holds.hold("waf", "401", 0.0)
    assert holds.release("waf")
    assert holds.health("waf") is None
    assert not holds.release("waf")


def test_all_holds_are_listed_by_task(holds: Holds) -> None:
    """For the list of tasks."""
    holds.hold("b", "401", 0.0)
    holds.hold("a", "403", 0.0)
    assert {name: held.reason for name, held in holds.all().items()} == {"a": "403", "b": "401"}


def test_a_row_of_a_newer_release_is_refused(holds: Holds, table: Table) -> None:
    """What to do is in the message."""
    table.put("health", "waf", b'{"schema": 2}', expect=None)
    with pytest.raises(StateError, match="hold of task waf: row has schema 2, this release knows 1: upgrade"):
        holds.health("waf")


def test_only_an_online_task_shows_as_unhealthy(holds: Holds) -> None:
    """A person's pause is stronger than the system's hold."""
    holds.hold("waf", "401", 0.0)
    held = holds.health("waf")
    assert [shown("online", held), shown("online", None), shown("offline", held)] == ["unhealthy", "online", "offline"]
