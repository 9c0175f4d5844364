"""Tasks in the state table: versions, states, races, rows of a newer release."""

import json
import threading

import msgspec
import pytest
from tests.fakes.engine import Clock

from logferry import state, task
from logferry.errors import ConfigError, Conflict, StateError
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import TaskStore


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """A table of its own for each test."""
    return state.open_table(f"memory:{request.node.nodeid}")


@pytest.fixture
def store(table: Table) -> TaskStore:
    """A store with a clock that stands still."""
    return TaskStore(table, Clock())


def make(name: str = "waf", logstore: str = "waf-logs", **more: object) -> Task:
    """A small task."""
    source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "waf-project", "logstore": logstore}}
    destination = {"syslog_server": {"host": "127.0.0.1", "port": 514}}
    return task.load({"task": name, "source": source, "destination": destination, **more})


def test_a_new_task_is_online_at_version_one(store: TaskStore) -> None:
    """What was stored comes back."""
    applied = store.apply(make())
    assert (applied.version, applied.changed, applied.created) == (1, True, True)
    stored = store.get("waf")
    assert (stored.version, stored.state, stored.updated) == (1, "online", 1_000_000.0)
    assert stored.task() == make()


def test_the_same_task_again_changes_nothing(store: TaskStore) -> None:
    """A default that is written out is no change either."""
    store.apply(make())
    applied = store.apply(make(sampling="100%"))
    assert (applied.version, applied.changed) == (1, False)


def test_every_version_is_kept_as_it_was(store: TaskStore) -> None:
    """An open range is finished with the version it began with."""
    for lag in ("1m", "2m", "3m"):
        store.apply(make(max_lag=lag))
    assert [store.version("waf", number).max_lag for number in (1, 2, 3)] == ["1m", "2m", "3m"]
    with pytest.raises(StateError, match="version 4 is not known, the newest is 3"):
        store.version("waf", 4)


def test_a_changed_task_keeps_its_state(store: TaskStore) -> None:
    """Applying does not put a paused task on line."""
    store.apply(make())
    assert store.set_state("waf", "offline")
    store.apply(make(max_lag="9m"))
    assert store.get("waf").state == "offline"
    assert not store.set_state("waf", "offline")


def test_another_source_under_the_same_name_is_refused(store: TaskStore) -> None:
    """Positions of one logstore mean nothing in another."""
    store.apply(make())
    with pytest.raises(ConfigError, match="source: logstore differs from the stored task's: give the new task another"):
        store.apply(make(logstore="other"))


def test_another_endpoint_of_the_same_logstore_is_accepted(store: TaskStore) -> None:
    """The private and the public endpoint lead to the same data."""
    store.apply(make())
    source = {"sls": {"endpoint": "http://127.0.0.1:2", "project": "waf-project", "logstore": "waf-logs"}}
    assert store.apply(make(source=source)).version == 2


def test_an_unknown_task_is_answered_with_the_known_ones(store: TaskStore) -> None:
    """The same for get and for a change of state."""
    store.apply(make("a"))
    store.apply(make("b"))
    with pytest.raises(ConfigError, match="'c' is not a task; known: a, b"):
        store.get("c")
    with pytest.raises(ConfigError, match="known: a, b"):
        store.set_state("c", "offline")


def test_deleting_forgets_versions_too(store: TaskStore, table: Table) -> None:
    """Applied again, it starts at version one."""
    store.apply(make())
    store.apply(make(max_lag="9m"))
    assert store.delete("waf")
    assert list(table.list("task-versions/waf")) == []
    assert not store.delete("waf")
    assert store.apply(make()).version == 1


def test_a_row_of_a_newer_release_is_refused_and_the_others_go_on(store: TaskStore, table: Table) -> None:
    """The message says what to do; nothing is written over it."""
    store.apply(make("a"))
    table.put("tasks", "b", b'{"schema": 2, "shape": "unknown"}', expect=None)
    found = store.all()
    assert [(one.name, bool(one.problem)) for one in found] == [("a", False), ("b", True)]
    for act in (lambda: store.get("b"), lambda: store.apply(make("b")), lambda: store.set_state("b", "offline")):
        with pytest.raises(StateError, match="row has schema 2, this release knows 1: upgrade logferry here"):
            act()


def test_a_task_that_this_release_does_not_take_can_be_applied_anew(store: TaskStore, table: Table) -> None:
    """It is listed with its problem, and the way out is an `apply`."""
    store.apply(make())
    item = table.get("tasks", "waf")
    assert item is not None
    row = json.loads(item.value)
    row["spec"]["gone"] = 1
    table.put("tasks", "waf", msgspec.json.encode(row), expect=item.version)
    (found,) = store.all()
    assert "gone: unknown key" in found.problem
    with pytest.raises(ConfigError, match="gone: unknown key"):
        store.version("waf", 1)
    assert store.apply(make()).version == 2
    assert store.all()[0].problem == ""


def test_a_row_that_is_no_json_is_a_state_error(store: TaskStore, table: Table) -> None:
    """Not a crash."""
    table.put("tasks", "waf", b"\xff", expect=None)
    with pytest.raises(StateError, match="row waf cannot be read"):
        store.get("waf")


def test_concurrent_applies_number_every_version_once(store: TaskStore) -> None:
    """Each version holds what was applied as that version, whoever won which race."""
    seen: dict[int, str] = {}

    def work(minutes: int) -> None:
        for _ in range(40):
            try:
                applied = store.apply(make(max_lag=f"{minutes}m"))
            except StateError:
                continue  # lost ten races in a row: the caller tries again
            seen[applied.version] = f"{minutes}m"
            return

    threads = [threading.Thread(target=work, args=(minutes,)) for minutes in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seen) == list(range(1, 9))
    assert {number: store.version("waf", number).max_lag for number in seen} == seen


class LostAnswer:
    """A table whose first write passes and then reports a conflict, as after an answer that got lost."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lost = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """The real write, its first answer lost."""
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        if not self._lost:
            self._lost = True
            raise Conflict("somebody else wrote", version=version)
        return version


def test_a_lost_answer_is_recognised_as_ones_own_write(table: Table) -> None:
    """One version, and the caller is told that it changed."""
    applied = TaskStore(LostAnswer(table), Clock()).apply(make())  # type: ignore[arg-type]  # the rest is passed on
    assert (applied.version, applied.changed) == (1, True)


def test_a_stored_task_holds_references_and_no_secret(store: TaskStore, table: Table) -> None:
    """What is in the table is what is in the file."""
    hec = {"splunk_hec": {"url": "https://127.0.0.1:8088", "token": "secret://env/TOKEN"}}
    store.apply(make(destination=hec))
    item = table.get("tasks", "waf")
    assert item is not None
    assert b"secret://env/TOKEN" in item.value
