"""The command line on a task that is sent its logs: what can be done is done, what cannot is told in one line."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.fakes.receiving import KEY, PATH, signature

from logferry import receive_calls, runtime, wiring
from logferry.dead_letters import Place as Spot
from logferry.letters import words
from logferry_local.sinks import Place, hec

LOGFERRY = str(Path(sys.executable).with_name("logferry"))


@dataclass
class Desk:
    """A task file, and where its state is kept."""

    folder: Path
    environ: dict[str, str]

    def run(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """One command."""
        done = subprocess.run([LOGFERRY, *words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.environ, cwd=self.folder)  # fmt: skip
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def post(self, body: str) -> object:
        """A signed post; its status."""
        about = {"http": {"method": "POST", "sourceIp": "192.0.2.1"}}
        event = {"rawPath": PATH, "rawQueryString": signature(), "body": body, "requestContext": about}
        reply = runtime.web_entry(receive_calls.receive, environ=self.environ)(event, None)
        assert isinstance(reply, dict)
        return reply["statusCode"]

    def ids(self) -> list[int]:
        """What arrived, but for the test record of a check."""
        lines = (self.folder / "hec.ndjson").read_text().splitlines()
        events = [json.loads(line)["event"] for line in lines]
        return [event["id"] for event in events if "id" in event]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """With a HEC receiver; the task is not applied yet."""
    sink = hec.open_sink(Place(tmp_path / "hec.ndjson"), hec.Options(token="t"))
    environ = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects",
        "KEY": KEY.reveal(), "TOKEN": "t",
    }  # fmt: skip
    source = {"received": {"path": PATH, "keys": ["secret://env/KEY"]}}
    to = {"splunk_hec": {"url": sink.address, "token": "secret://env/TOKEN", "ack": False}}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump({"task": "received", "source": source, "destination": to}))
    try:
        yield Desk(tmp_path, environ)
    finally:
        wiring.dismiss()
        sink.close()


def test_a_task_lives_as_any_other(desk: Desk) -> None:
    """Checked, applied, shown, followed, verified, changed, deleted."""
    assert "takes posts signed with 1 key(s)" in desk.run("task", "check", "--live", "task.yaml").stdout
    assert "version 1, new" in desk.run("task", "apply", "task.yaml").stdout
    assert desk.post('{"id":1}\n{"id":2}') == 200
    (line,) = json.loads(desk.run("status", "--json", "--check").stdout)["streams"]
    assert (line["task"], line["stream"], line["delivered"], line["lag"]) == ("received", "0", 2, 0.0)
    checked = json.loads(desk.run("ledger", "--verify", "--json").stdout)
    assert checked["tasks"][0]["totals"]["delivered"] == 2
    assert checked["problems"] == []
    text = (desk.folder / "task.yaml").read_text()
    (desk.folder / "task.yaml").write_text(text.replace(PATH, "/logs/new"))
    assert "version 2, changed" in desk.run("task", "apply", "task.yaml").stdout
    assert re.search(r"^0\t\d{13}\t", desk.run("task", "show", "received").stdout, re.MULTILINE)
    desk.run("task", "delete", "received", "--yes")
    assert desk.ids() == [1, 2]


def test_a_check_finds_a_key_that_is_missing(desk: Desk) -> None:
    """Before the first sender is turned away."""
    del desk.environ["KEY"]
    assert "secret://env/KEY" in desk.run("task", "check", "--live", "task.yaml", code=2).stdout
    desk.run("task", "apply", "task.yaml")  # a person's machine needs none of the keys


WINDOW = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task", "seek", "received", "--to", "begin"], "nothing that could be read again"),
        (["backfill", "received", *WINDOW, "--yes"], "source: cannot be read again from a time on"),
        (["run", "received"], "received has no consumer groups"),
    ],
    ids=["seek", "backfill", "run"],
)
def test_what_needs_a_source_that_can_be_read_says_so(desk: Desk, words: list[str], said: str) -> None:
    """In one line."""
    desk.run("task", "apply", "task.yaml")
    assert said in desk.run(*words, code=2).stderr


def test_a_paused_task_takes_nothing_until_it_is_resumed(desk: Desk) -> None:
    """503: its sender keeps what it has."""
    desk.run("task", "apply", "task.yaml")
    desk.run("task", "pause", "received")
    assert desk.post('{"id":1}') == 503
    desk.run("task", "resume", "received")
    assert desk.post('{"id":1}') == 200


def test_a_refused_record_is_replayed_and_a_broken_one_discarded(desk: Desk) -> None:
    """The first is read again as it came; of the second its bytes are shown."""
    desk.run("task", "apply", "task.yaml")
    assert desk.post('{"id":1}\nbroken \x1b[31m') == 200
    dead, original = wiring.workshop(desk.environ).dead, b'1767225601.000000000\n{"id":9}'
    dead.park("received", 1, Spot("7", "0", 0), "refused", original, source="received")
    letter = words(next(dead.keys("received", "open", "0")))
    shown = desk.run("dead", "show", letter, code=1).stdout
    assert "broken" in shown
    assert "\x1b" not in shown
    desk.run("dead", "replay", "--task", "received", "--stream", "7")
    desk.run("dead", "discard", letter, "--yes")
    assert desk.ids() == [1, 9]
    assert json.loads((desk.folder / "hec.ndjson").read_text().splitlines()[1])["time"] == 1767225601
    assert json.loads(desk.run("ledger", "--verify", "--json").stdout)["problems"] == []
