"""What an apply would change, what a live look finds, and pages of tasks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry
from typer.testing import CliRunner

from logferry import apply, state
from logferry import task as tasks
from logferry.control import Control
from logferry.errors import ConfigError, Misconfigured, StateError
from logferry.live_check import Finding
from logferry.preview import Change
from logferry.task import Task
from logferry.task_store import TaskStore
from logferry_local import cli


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A log store with two shards."""
    with ferry(tmp_path, shards=2) as made:
        yield made


@pytest.fixture
def control(boat: Ferry) -> Iterator[Control]:
    """The tasks of its table."""
    with Control(boat.environ) as made:
        yield made


def task(boat: Ferry, name: str = "waf", **more: object) -> Task:
    """A task of its logstore."""
    source = {"endpoint": boat.address, "project": PROJECT, "logstore": LOGSTORE, **more.pop("source", {})}  # type: ignore[dict-item]  # a mapping
    to = {"syslog_server": {"host": "127.0.0.1", "port": 1}}
    return tasks.load({"task": name, "source": {"sls": source}, "destination": to, **more})


def rows(control: Control) -> dict[str, list[Any]]:
    """Everything that is in the table."""
    parts = ("tasks", "task-versions/waf", "ledger/waf", "ownership", "health")
    return {part: list(control.table.list(part)) for part in parts}


def test_a_new_task_gets_all_streams(boat: Ferry, control: Control) -> None:
    """Nothing is written."""
    before = rows(control)
    found = control.plan(task(boat))
    assert (found.what, found.version, found.state, found.proof) == ("new", 1, "online", False)
    assert found.streams == ("0", "1")
    assert Change("task", None, '"waf"') in found.changes
    assert rows(control) == before


def test_a_change_is_told_key_by_key(boat: Ferry, control: Control) -> None:
    """Before and after, as JSON; keys inside of others by their path."""
    control.apply(task(boat, max_lag="9m", fields=["a"]))
    found = control.plan(task(boat, max_lag="8m", destination={"syslog_server": {"host": "::1", "port": 1}}))
    assert (found.what, found.version, found.streams) == ("changed", 2, ())
    assert list(found.changes) == [
        Change("destination.syslog_server.host", '"127.0.0.1"', '"::1"'),
        Change("fields", '["a"]', None),
        Change("max_lag", '"9m"', '"8m"'),
    ]


def test_the_same_task_is_unchanged(boat: Ferry, control: Control) -> None:
    """In the state that it has."""
    control.apply(task(boat))
    control.pause("waf")
    found = control.plan(task(boat))
    assert (found.what, found.version, found.state, found.changes) == ("unchanged", 1, "offline", ())


def test_a_proof_that_starts_again_is_told(boat: Ferry) -> None:
    """A new place, where every place has to be proved; another edit is none."""
    boat.environ["LOGFERRY_OWNERSHIP"] = "all"
    with Control(boat.environ) as control:
        assert control.plan(task(boat)).proof
        TaskStore(control.table, lambda: 0.0).apply(task(boat))
        assert not control.plan(task(boat, max_lag="9m")).proof
        moved = control.plan(task(boat, destination={"syslog_server": {"host": "127.0.0.2", "port": 1}}))
        assert (moved.proof, moved.state) == (True, "pending")


def test_another_logstore_would_be_refused(boat: Ferry, control: Control) -> None:
    """With the way out."""
    control.apply(task(boat))
    found = control.plan(task(boat, source={"logstore": "other"}))
    assert found.what == "refused"
    assert "source: logstore differs from the stored task's: give the new task another name" in found.problem


def test_a_task_too_many_would_be_refused(boat: Ferry) -> None:
    """As `apply` would."""
    with Control({**boat.environ, "LOGFERRY_MAX_TASKS": "0"}) as control:
        assert "LOGFERRY_MAX_TASKS allows 0" in control.plan(task(boat)).problem
        with pytest.raises(ConfigError, match="LOGFERRY_MAX_TASKS allows 0"):
            control.apply(task(boat))


def test_a_source_that_cannot_be_asked_is_told(boat: Ferry, control: Control) -> None:
    """The rest of the plan stands."""
    found = control.plan(task(boat, source={"endpoint": "http://127.0.0.1:1"}))
    assert found.unasked.startswith("SourceError: ")
    assert (found.what, found.streams) == ("new", ())


def test_read_quotas_are_warned_about(boat: Ferry, control: Control) -> None:
    """Tasks that cannot share a pull read too much together; a paused one reads nothing."""
    for number in range(4):
        control.apply(task(boat, f"t{number}", source={"query": f"* | where a = '{number}'"}))
    assert any(
        f"logstore {PROJECT}/{LOGSTORE}: 5 separate readers" in line for line in control.plan(task(boat)).warnings
    )
    for number in range(4):
        control.pause(f"t{number}")
    assert not any("separate readers" in line for line in control.plan(task(boat)).warnings)


def test_a_live_look_goes_all_the_way(boat: Ferry, control: Control) -> None:
    """Source, destination, one marked record: and no log, no row."""
    boat.put(5)
    url = boat.hec("to-hec")
    to = {"splunk_hec": {"url": url, "token": "secret://env/HEC_TOKEN"}}
    before = rows(control)
    found = control.check_live(task(boat, destination=to))
    assert [(step.step, step.ok) for step in found] == [
        ("schema", True), ("source", True), ("destination", True), ("record", True)
    ]  # fmt: skip
    (line,) = boat.sinks["to-hec"].read_text().splitlines()
    assert json.loads(line)["event"]["logferry_test"] == "check"
    assert rows(control) == before


def test_a_live_look_tells_each_thing_that_is_wrong(boat: Ferry, control: Control) -> None:
    """Both ends; what may pass, and what wants a person."""
    found = control.check_live(task(boat, source={"endpoint": "http://127.0.0.1:1"}))
    assert [(step.step, step.ok, step.passing) for step in found] == [
        ("schema", True, False), ("source", False, True), ("destination", False, True), ("record", None, False)
    ]  # fmt: skip
    to = {"splunk_hec": {"url": boat.hec("to-hec"), "token": "secret://env/NOBODY"}}
    wrong = control.check_live(task(boat, destination=to))[2]
    assert (wrong.ok, wrong.passing) == (False, False)
    assert "NOBODY is not set" in wrong.said


def test_a_live_look_does_not_write_where_ownership_is_not_proved(boat: Ferry) -> None:
    """Else it would be a way round."""
    to = {"splunk_hec": {"url": boat.hec("to-hec"), "token": "secret://env/HEC_TOKEN"}}
    with Control({**boat.environ, "LOGFERRY_OWNERSHIP": "all"}) as control:
        last = control.check_live(task(boat, destination=to))[-1]
    assert last == Finding("record", None, "not sent: the ownership of the destination is not proved yet")
    assert not boat.sinks["to-hec"].exists() or boat.sinks["to-hec"].read_text() == ""


def run(boat: Ferry, *words: str) -> Any:  # noqa: ANN401  # click's result
    """The command."""
    return CliRunner().invoke(cli.app(), ["task", *words], env=boat.environ)


def file(boat: Ferry, made: Task) -> str:
    """The task as a file."""
    path = boat.folder / f"{made.task}.json"
    path.write_text(json.dumps(tasks.dump(made)))
    return str(path)


def test_plan_and_live_check_end_with_their_exit_codes(boat: Ferry) -> None:
    """0: as it should be; 1: may pass; 2: a person."""
    assert run(boat, "plan", file(boat, task(boat))).exit_code == 0
    lost = file(boat, task(boat, "lost", source={"endpoint": "http://127.0.0.1:1"}))
    said = run(boat, "plan", lost)
    assert (said.exit_code, "could not be asked for its streams" in said.stdout) == (1, True)
    assert json.loads(run(boat, "plan", lost, "--json").stdout)["tasks"][0]["what"] == "new"
    live = run(boat, "check", file(boat, task(boat)), "--live")
    assert live.exit_code == 1
    assert "waf: source: ok: answers, 2 stream(s)" in live.stdout
    assert "waf: record: not tried: not sent" in live.stdout
    told = json.loads(run(boat, "check", file(boat, task(boat)), "--live", "--json").stdout)
    assert (told["ok"], [step["step"] for step in told["files"][0]["live"]]) == (
        False, ["schema", "source", "destination", "record"]
    )  # fmt: skip


def test_a_plan_for_people_names_what_changes(boat: Ferry) -> None:
    """One line a key."""
    run(boat, "apply", file(boat, task(boat, max_lag="9m")))
    said = run(boat, "plan", file(boat, task(boat, max_lag="8m"))).stdout.splitlines()
    assert said == ["waf: version 2, changed; online", '  max_lag: "9m" -> "8m"']


def test_tasks_come_in_pages(boat: Ferry, control: Control) -> None:
    """By name; the rest is announced on standard error, and JSON tells the total."""
    store = TaskStore(control.table, lambda: 0.0)
    for number in range(23):
        store.apply(task(boat, f"t{number:02d}"))
    found = run(boat, "list")
    assert len(found.stdout.splitlines()) == 20
    assert found.stderr == "page 1 of 2, 23 tasks in all (--page, --page-size)\n"
    last = run(boat, "list", "--page", "3", "--page-size", "11")
    assert [line.split("\t")[0] for line in last.stdout.splitlines()] == ["t22"]
    told = json.loads(run(boat, "list", "--page", "9", "--json").stdout)
    assert told == {"tasks": [], "page": 9, "page_size": 20, "total": 23}
    everything = [stored.name for number in (1, 2, 3) for stored in control.page(number, 10).tasks]
    assert everything == [f"t{number:02d}" for number in range(23)]


@pytest.mark.parametrize("words", [["--page", "0"], ["--page-size", "501"], ["--page-size", "0"]])
def test_pages_have_bounds(boat: Ferry, words: list[str]) -> None:
    """1-500 tasks each, counted from 1."""
    assert run(boat, "list", *words).exit_code == 2


@pytest.mark.parametrize(("number", "size"), [(0, 20), (1, 0), (1, 501)])
def test_pages_have_bounds_from_python_too(control: Control, number: int, size: int) -> None:
    """One line."""
    with pytest.raises(ConfigError, match="expected from 1 on, 1-500 a page"):
        control.page(number, size)


def test_a_row_that_this_release_cannot_read_is_on_its_page(control: Control) -> None:
    """With its problem."""
    control.table.put("tasks", "new", b'{"schema": 9}', expect=None)
    (found,) = control.page().tasks
    assert "upgrade logferry here" in found.problem
    with pytest.raises(StateError):
        control.show("new")


def test_a_delete_cut_short_does_not_open_a_door(boat: Ferry) -> None:
    """A pending task that is half deleted stays pending: resuming it would deliver without its proof."""
    table = state.open_table("memory:cut-short")
    store = TaskStore(table, lambda: 0.0)
    store.apply(task(boat), state="pending")

    class Broken:
        """Fails when the task's row goes."""

        def __getattr__(self, name: str) -> object:
            return getattr(table, name)

        def delete(self, partition: str, sort: str, *, expect: str) -> None:
            """Not now."""
            raise StateError(f"{partition}/{sort} at {expect}: time-out")

    with pytest.raises(StateError):
        apply.delete("waf", Broken(), lambda: 0.0)  # type: ignore[arg-type]  # the rest is passed on
    assert store.get("waf").state == "pending"


def test_pausing_and_resuming_are_refused_while_pending(boat: Ferry, control: Control) -> None:
    """At the moment of writing, whatever was read before."""
    TaskStore(control.table, lambda: 0.0).apply(task(boat), state="pending")
    for act in (control.pause, control.resume):
        with pytest.raises(Misconfigured, match="prove the ownership of its destination first"):
            act("waf")
    assert control.show("waf").state == "pending"


def test_a_pending_task_that_this_release_cannot_read_is_shown(boat: Ferry, control: Control) -> None:
    """As it was applied, without what it waits for."""
    control.table.put("tasks", "waf", b'{"version":1,"state":"pending","spec":{"x":1},"updated":0}', expect=None)
    assert json.loads(run(boat, "show", "waf", "--json").stdout)["proof"] is None


def test_what_must_be_granted_is_told(boat: Ferry, control: Control) -> None:
    """For the source's side of a stored task."""
    control.apply(task(boat))
    sides = [(side, LOGSTORE in json.dumps(grant.document)) for side, grant in control.grants("waf")]
    assert ("source", True) in sides
