"""Objects that are put into a folder ring as puts into a bucket do."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.functions.test_trigger_runner import Function, Time

from logferry import put_events
from logferry.errors import SourceError
from logferry_local.trigger_runner import PutTrigger
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.puts import Puts
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

ROOT = Path(__file__).parents[2]
PUT = PutTrigger(name="task-file", function="prove_ownership", bucket="tasks", suffix=".yaml", retries=2)


def runner(folder: Path, function: Function, **options: Any) -> TriggerRunner:  # noqa: ANN401  # passed on as they are
    """A runner with one such trigger."""
    time = Time()
    settings = Settings(clock=time.clock, sleep=time.sleep, folders={"tasks": folder}, **options)
    return TriggerRunner([PUT], {"prove_ownership": function}, lambda _: pytest.fail("no logstore"), settings)


def keys(function: Function) -> list[str]:
    """Of each call."""
    return [put.keys[0] for event in function.events for put in put_events.parse(event)]


def test_each_put_rings_once(tmp_path: Path) -> None:
    """A new file, and a changed one; what has another ending does not."""
    function = Function()
    made = runner(tmp_path, function)
    made.fire_once()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.yaml").write_text("one")
    (tmp_path / "b.txt").write_text("token")
    assert [(firing.key, firing.ok, firing.shard) for firing in made.fire_once()] == [("deep/a.yaml", True, None)]
    assert made.fire_once() == []
    (tmp_path / "deep/a.yaml").write_text("another")
    made.fire_once()
    assert keys(function) == ["deep/a.yaml", "deep/a.yaml"]


@pytest.mark.parametrize(("start", "found"), [("begin", ["a.yaml"]), ("end", [])])
def test_what_was_there_before_rings_if_it_is_asked_for(tmp_path: Path, start: str, found: list[str]) -> None:
    """As with logs: `--from begin`."""
    (tmp_path / "a.yaml").write_text("one")
    function = Function()
    runner(tmp_path, function, start=start).fire_once()
    assert keys(function) == found


def test_a_delete_does_not_ring_and_a_new_file_of_that_name_does(tmp_path: Path) -> None:
    """It is forgotten meanwhile."""
    function = Function()
    made = runner(tmp_path, function, start="begin")
    (tmp_path / "a.yaml").write_text("one")
    made.fire_once()
    kept = (tmp_path / "a.yaml").stat()
    (tmp_path / "a.yaml").unlink()
    assert made.fire_once() == []
    (tmp_path / "a.yaml").write_text("one")
    os.utime(tmp_path / "a.yaml", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    made.fire_once()
    assert keys(function) == ["a.yaml", "a.yaml"]


def test_the_event_is_the_platforms(tmp_path: Path) -> None:
    """Names, types and forms are those of the sample event."""

    def forms(value: object) -> object:
        if isinstance(value, dict):
            return {key: forms(inner) for key, inner in value.items()}
        return [forms(inner) for inner in value] if isinstance(value, list) else type(value)

    (tmp_path / "a.yaml").write_text("one")
    function = Function()
    runner(tmp_path, function, start="begin").fire_once()
    sample = json.loads((ROOT / "events/prove_ownership/object_created.fc.json").read_text())
    assert forms(function.events[0]) == forms(sample)
    (put,) = put_events.parse(function.events[0])
    assert (put.bucket, put.size) == ("tasks", 3)


def test_a_failed_call_is_repeated_and_then_given_up(tmp_path: Path) -> None:
    """An asynchronous call has its retries; afterwards only another put rings."""
    (tmp_path / "a.yaml").write_text("one")
    function = Function(failures=3)
    made = runner(tmp_path, function, start="begin")
    assert [(firing.ok, firing.attempts) for firing in made.fire_once()] == [(False, 3)]
    assert made.fire_once() == []


def test_marks_survive_the_runner(tmp_path: Path) -> None:
    """A restart does not ring for what rang."""
    (tmp_path / "a.yaml").write_text("one")
    positions, first, second = tmp_path / "p/triggers.json", Function(), Function()
    runner(tmp_path, first, start="begin", positions=Positions(positions)).fire_once()
    (tmp_path / "b.yaml").write_text("two")
    runner(tmp_path, second, start="begin", positions=Positions(positions)).fire_once()
    assert (keys(first), keys(second)) == (["a.yaml"], ["b.yaml"])


def test_links_and_hidden_names_are_no_objects(tmp_path: Path) -> None:
    """Neither a way out of the folder, nor what is half written."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text("x")
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(outside / "x.yaml")
    (folder / "more").symlink_to(outside)
    (folder / ".partial").mkdir()
    (folder / ".partial/y.yaml").write_text("y")
    assert Puts(PUT, folder, Positions(None), "begin").next() == []


def test_a_folder_that_is_not_there_is_empty_and_a_large_one_is_told(tmp_path: Path) -> None:
    """The cost of a look is bounded."""
    assert Puts(PUT, tmp_path / "nowhere", Positions(None), "begin").next() == []
    for number in range(10_001):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(SourceError, match="more than 10000 files"):
        Puts(PUT, tmp_path, Positions(None), "begin").next()
    told: list[str] = []
    assert runner(tmp_path, Function(), trouble=told.append).fire_once() == []
    assert len(told) == 1


def test_a_bucket_without_a_folder_is_not_watched(tmp_path: Path) -> None:
    """The configuration bucket is a real one: its own service rings."""
    time = Time()
    settings = Settings(clock=time.clock, sleep=time.sleep, folders={"other": tmp_path}, start="begin")
    (tmp_path / "a.yaml").write_text("one")
    made = TriggerRunner([PUT], {"prove_ownership": Function()}, lambda _: pytest.fail("no logstore"), settings)
    assert made.fire_once() == []


def test_run_looks_each_second(tmp_path: Path) -> None:
    """Until its time is over."""
    function = Function()
    (tmp_path / "a.yaml").write_text("one")
    runner(tmp_path, function, start="begin").run(seconds=5)
    assert keys(function) == ["a.yaml"]
