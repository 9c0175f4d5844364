"""`logferry task …` against a real table file and the embedded log store."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.sls import KEY_ID, SECRET, Caller, group
from typer.testing import CliRunner, Result

from logferry import state
from logferry.errors import ConfigError, Conflict, LogferryError, Misconfigured, SourceError, StateError
from logferry.health import Holds
from logferry.ledger import Ledger, Open
from logferry.task_store import TaskStore
from logferry.vault import Secret
from logferry_local import cli
from logferry_local.sls_server import serving


@dataclass
class Place:
    """A log store with one logstore of two shards, a folder for task files, and the environment of a command."""

    caller: Caller
    folder: Path
    environ: Mapping[str, str]

    def put(self, logs: int) -> None:
        """As many log groups of one log."""
        for number in range(logs):
            assert self.caller.put("waf", group(f"r{number}")).status == 200

    def file(self, name: str = "waf", **changes: object) -> str:
        """A task file."""
        source = {"sls": {"endpoint": self.caller.address, "project": self.caller.project, "logstore": "waf"}}
        data = {"task": name, "source": source, "destination": {"syslog_server": {"host": "127.0.0.1", "port": 1}}}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(data | changes), encoding="utf-8")
        return str(path)

    def run(self, *words: str, answer: str = "") -> Result:
        """The command, in this process."""
        result = CliRunner().invoke(cli.app(), ["task", *words], env=self.environ, input=answer)
        if result.exception and not isinstance(result.exception, SystemExit | LogferryError):
            raise result.exception
        return result

    def fails(self, kind: type[LogferryError], *words: str) -> str:
        """The command, which must end with this error; its text."""
        result = self.run(*words)
        assert isinstance(result.exception, kind), result.output
        return str(result.exception)

    def json(self, *words: str) -> Any:  # noqa: ANN401  # JSON
        """What the command prints with --json."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    @property
    def table(self) -> state.Table:
        """The state table, opened anew."""
        return state.open_table(self.environ["LOGFERRY_STATE"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A log store of this test alone."""
    with serving(tmp_path / "sls", {KEY_ID: Secret(SECRET)}) as address:
        caller = Caller(address)
        assert caller.call("POST", "/", document={"projectName": caller.project, "description": ""}).status == 200
        logstore = {"logstoreName": "waf", "ttl": 30, "shardCount": 2}
        assert caller.call("POST", "/logstores", document=logstore).status == 200
        environ = {
            "LOGFERRY_STATE": f"sqlite:{tmp_path / 'state.db'}", "SLS_AK_ID": KEY_ID, "SLS_AK_KEY": SECRET,
        }  # fmt: skip
        yield Place(caller, tmp_path, environ)
        caller.close()


def positions_of(place: Place) -> list[str]:
    """Positions of all streams of the task `waf`."""
    return [row["position"] for row in place.json("show", "waf")["streams"]]


def test_apply_writes_the_start_of_every_shard_and_stores_the_task(place: Place) -> None:
    """Twice the same is once."""
    place.put(4)
    first = place.json("apply", place.file())["tasks"]
    same = {"task": "waf", "version": 1, "state": "online"}
    assert first == [same | {"changed": True, "created": True, "streams": ["0", "1"]}]
    again = place.json("apply", place.file())["tasks"]
    assert again == [same | {"changed": False, "created": False, "streams": []}]
    assert positions_of(place) == [place.caller.cursor("waf", shard, "begin") for shard in (0, 1)]


def test_a_new_task_may_begin_at_the_end(place: Place) -> None:
    """What is there already is not delivered."""
    place.put(4)
    assert "2 stream(s) from end: 0, 1" in place.run("apply", place.file(start="end")).stdout
    assert positions_of(place) == [place.caller.cursor("waf", shard, "end") for shard in (0, 1)]
    assert positions_of(place) != [place.caller.cursor("waf", shard, "begin") for shard in (0, 1)]


def test_a_changed_file_is_the_next_version_and_keeps_state_and_positions(place: Place) -> None:
    """It says which."""
    place.run("apply", place.file())
    place.run("pause", "waf")
    before = positions_of(place)
    assert place.run("apply", place.file(max_lag="9m")).stdout == "waf: version 2, changed\n"
    shown = place.json("show", "waf")
    assert (shown["state"], shown["version"], shown["spec"]["max_lag"]) == ("offline", 2, "9m")
    assert positions_of(place) == before


def test_another_logstore_under_the_same_name_is_refused(place: Place) -> None:
    """With the way out, and exit code 2."""
    place.run("apply", place.file())
    source = {"sls": {"endpoint": place.caller.address, "project": place.caller.project, "logstore": "other"}}
    result = place.run("apply", place.file(source=source))
    assert result.exit_code == 2
    assert "source: logstore differs from the stored task's: give the new task another name, or delete" in result.stderr


def test_a_logstore_that_is_not_there_stores_nothing(place: Place) -> None:
    """Exit code 1, and the other files are applied."""
    source = {"sls": {"endpoint": place.caller.address, "project": place.caller.project, "logstore": "nothing"}}
    result = place.run("apply", place.file("lost", source=source), place.file("waf"), "--json")
    assert result.exit_code == 1
    lost, waf = json.loads(result.stdout)["tasks"]
    assert (lost["task"], "nothing" in lost["error"], waf["version"]) == ("lost", True, 1)
    assert [task["task"] for task in place.json("list")["tasks"]] == ["waf"]


def test_nothing_is_applied_when_one_file_is_wrong(place: Place) -> None:
    """All files are checked first."""
    assert place.run("apply", place.file("good"), place.file("bad", sampling="0%")).exit_code == 2
    assert place.json("list")["tasks"] == []


def test_list_tells_states_and_what_is_held(place: Place) -> None:
    """Plain lines in a pipe, one a task."""
    for name in ("a", "b", "c"):
        place.run("apply", place.file(name))
    place.run("pause", "b")
    table = place.table
    Holds(table).hold("c", "HTTP 403", 1_700_000_000.0)
    table.close()
    assert [line.split("\t") for line in place.run("list").stdout.splitlines()] == [
        ["a", "online", "sls project-one/waf", "syslog_server", "1", ""],
        ["b", "offline", "sls project-one/waf", "syslog_server", "1", ""],
        ["c", "unhealthy", "sls project-one/waf", "syslog_server", "1", "HTTP 403 (next try 2023-11-14T22:13:50Z)"],
    ]
    assert [task["state"] for task in place.json("list")["tasks"]] == ["online", "offline", "unhealthy"]


def test_show_prints_a_task_file_that_can_be_applied_again(place: Place) -> None:
    """What follows the file are comments and positions."""
    place.run("apply", place.file())
    text = place.run("show", "waf").stdout
    file, _, rest = text.partition("# version 1")
    path = place.folder / "shown.yaml"
    path.write_text(file, encoding="utf-8")
    assert place.json("apply", str(path))["tasks"][0]["changed"] is False
    assert "online" in rest
    assert len([line for line in rest.splitlines() if line.endswith("\tidle\t0\t")]) == 2


def test_resume_puts_on_line_and_ends_a_hold(place: Place) -> None:
    """So does applying a changed task."""
    place.run("apply", place.file())
    place.run("pause", "waf")
    table = place.table
    Holds(table).hold("waf", "HTTP 403", 1_700_000_000.0)
    assert place.run("resume", "waf").stdout == "waf: online, hold ended\n"
    assert place.run("resume", "waf").stdout == "waf: online already\n"
    Holds(table).hold("waf", "HTTP 403", 1_700_000_000.0)
    place.run("apply", place.file())
    assert place.json("show", "waf")["state"] == "unhealthy"
    place.run("apply", place.file(max_lag="9m"))
    assert place.json("show", "waf")["state"] == "online"
    table.close()


def test_a_pending_task_is_not_put_on_line_by_hand(place: Place) -> None:
    """Neither by pausing it first."""
    place.run("apply", place.file())
    table = place.table
    TaskStore(table, lambda: 0.0).set_state("waf", "pending")
    table.close()
    for command in ("resume", "pause"):
        assert "prove the ownership of its destination first" in place.fails(Misconfigured, command, "waf")


def test_seek_moves_positions_and_says_what_follows(place: Place) -> None:
    """On: skipped and recorded. Back: delivered again."""
    place.put(4)
    place.run("apply", place.file())
    ends = [place.caller.cursor("waf", shard, "end") for shard in (0, 1)]
    forward = place.run("seek", "waf", "--to", "end").stdout.splitlines()
    assert len(forward) == 2
    assert all("on; what lies between is skipped" in line for line in forward if "already" not in line)
    assert positions_of(place) == ends
    moved = [row["gaps"][0]["reason"] for row in place.json("show", "waf")["streams"] if "gaps" in row]
    assert set(moved) == {"skipped"}
    back = place.run("seek", "waf", "--to", "begin").stdout
    assert "will be delivered again" in back


def test_seek_takes_a_time_and_one_stream(place: Place) -> None:
    """A time after everything is the end."""
    place.put(4)
    place.run("apply", place.file())
    before = positions_of(place)
    place.run("seek", "waf", "--to", "2099-01-01T00:00:00Z", "--stream", "1")
    assert positions_of(place) == [before[0], place.caller.cursor("waf", 1, "end")]


@pytest.mark.parametrize("to", ["now", "2026-07-01", "2026-07-01T00:00", ""])
def test_seek_refuses_what_is_no_place(place: Place, to: str) -> None:
    """A day and an hour are no time yet."""
    assert "is not begin, end or a time such as" in place.fails(ConfigError, "seek", "waf", "--to", to)


def test_seek_waits_for_a_stream_in_work_or_refuses(place: Place) -> None:
    """Not one of the streams moves meanwhile."""
    place.run("apply", place.file())
    before = positions_of(place)
    table = place.table
    opened = Open(begin=before[1], end=before[1], task_version=1)
    assert Ledger(table).claim("waf", "1", opened, now=time.time(), until=time.time() + 1.5)
    place.put(4)
    assert "stream 1 is in work for up to" in place.fails(Conflict, "seek", "waf", "--to", "end")
    assert positions_of(place) == before
    assert place.run("seek", "waf", "--to", "end", "--wait", "20").exit_code == 0
    assert positions_of(place) == [place.caller.cursor("waf", shard, "end") for shard in (0, 1)]
    table.close()


def test_delete_asks_and_forgets_everything(place: Place) -> None:
    """Applied again, the task is new and starts at its start."""
    place.put(4)
    place.run("apply", place.file(start="end"))
    place.run("apply", place.file(max_lag="9m"))
    assert place.run("delete", "waf", answer="n\n").exit_code == 1
    assert place.json("list")["tasks"]
    assert place.run("delete", "waf", answer="y\n").exit_code == 0
    table = place.table
    for partition in ("tasks", "task-versions/waf", "ledger/waf", "health"):
        assert list(table.list(partition)) == []
    table.close()
    (again,) = place.json("apply", place.file())["tasks"]
    assert (again["version"], again["created"], again["streams"]) == (1, True, ["0", "1"])
    assert positions_of(place) == [place.caller.cursor("waf", shard, "begin") for shard in (0, 1)]


def test_a_delete_that_was_cut_short_can_be_repeated(place: Place) -> None:
    """The task's own row goes last."""
    place.run("apply", place.file())
    table = place.table
    Ledger(table).delete("waf")
    table.close()
    assert place.run("delete", "waf", "--yes").exit_code == 0
    assert place.json("list")["tasks"] == []


@pytest.mark.parametrize("command", ["show", "pause", "resume", "delete"])
def test_an_unknown_task_is_answered_with_the_known_ones(place: Place, command: str) -> None:
    """Exit code 2 at the command line."""
    place.run("apply", place.file())
    assert "'wof' is not a task; known: waf" in place.fails(ConfigError, command, "wof")


def test_a_row_of_a_newer_release_says_what_to_do(place: Place) -> None:
    """It is listed with its problem, and refused."""
    table = place.table
    table.put("tasks", "new", b'{"schema": 9}', expect=None)
    table.close()
    assert "upgrade logferry here" in place.json("list")["tasks"][0]["note"]
    assert "upgrade logferry here" in place.fails(StateError, "show", "new")


def test_a_log_store_that_does_not_answer_is_told(place: Place) -> None:
    """Nothing listens on port 1."""
    source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "project-one", "logstore": "waf"}}
    result = place.run("apply", place.file(source=source))
    assert result.exit_code == 1
    assert "waf: " in result.stderr
    assert not isinstance(result.exception, SourceError)


def command(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    logferry = Path(sys.executable).with_name("logferry")
    return subprocess.run(
        [logferry, "task", *words], env=dict(place.environ), cwd=place.folder, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_check_ends_with_2_and_names_every_mistake_of_every_file(place: Place) -> None:
    """One process, three files, two of them wrong."""
    good, twice = place.file("good"), str(place.folder / "twice.json")
    Path(twice).write_text(Path(good).read_text(encoding="utf-8"), encoding="utf-8")
    bad = place.file("bad", sampling="0%", fields=[], max_lag="hunter2")
    done = command(place, "check", good, bad, twice, "missing.yaml", "--json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    counts = {Path(file["file"]).name: len(file["problems"]) for file in report["files"]}
    assert (report["ok"], counts) == (False, {"good.json": 0, "bad.json": 3, "twice.json": 1, "missing.yaml": 1})


def test_errors_end_with_their_exit_codes(place: Place) -> None:
    """2 for what a person wrote, without a stack trace."""
    done = command(place, "show", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ["task: 1 problem(s)", "  'nothing' is not a task; known: none"]


def test_schema_prints_the_schema(place: Place) -> None:
    """As JSON, ready for an editor."""
    done = command(place, "schema")
    assert json.loads(done.stdout)["title"] == "logferry delivery task"
