"""`logferry dead` as a person types it: lists, an editor, questions, and what a record must not do to a terminal."""

import json
import os
import pty
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from logferry import objects
from logferry.dead_letters import DeadLetters, Place
from logferry.sls.write import encode_log_group

COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()", "dead"]
EDITOR = """
import json, sys
text = open(sys.argv[1]).read()
{change}
open(sys.argv[1], "w").write(text)
"""


@dataclass
class Desk:
    """A folder with dead letters of no task that still is."""

    folder: Path
    dead: DeadLetters

    def park(self, ordinal: int, reason: str = "HTTP 400", **fields: str) -> str:
        """One more letter; its place."""
        original = encode_log_group([(1_700_000_000, 0, {"m": f"r{ordinal}", **fields})])
        self.dead.park("gone", 3, Place("0", "b", ordinal), reason, original)
        return f"gone/0/b/{ordinal}"

    def run(self, *words: str, stdin: int = subprocess.DEVNULL, **environ: str) -> tuple[int, str, str]:
        """Exit code, output, complaint."""
        places = {
            "LOGFERRY_STATE": f"sqlite:{self.folder}/state.db",
            "LOGFERRY_OBJECTS": f"folder:{self.folder}/objects",
        }
        done = subprocess.run(
            [*COMMAND, *words], env={"PATH": os.environ["PATH"], **places, **environ}, stdin=stdin,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def edit(self, place: str, change: str) -> tuple[int, str, str]:
        """`dead edit` on a terminal, with an editor that does `change` to the text."""
        script = self.folder / "editor.py"
        script.write_text(EDITOR.format(change=change))
        main, other = pty.openpty()
        try:
            return self.run("edit", place, "--by", "me", stdin=other, EDITOR=f"{sys.executable} {script}")
        finally:
            os.close(main)
            os.close(other)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Empty."""
    return Desk(tmp_path, DeadLetters(objects.open_store(f"folder:{tmp_path}/objects"), time.time))


def test_an_editor_changes_fields_and_the_time(desk: Desk) -> None:
    """What was changed, added and taken away is the edit; what was left alone is none."""
    place = desk.park(1, old="1")
    change = (
        'd = json.loads(text); d["m"] = "new"; d["n"] = "é"; del d["old"]; d["__time__"] = "5"; text = json.dumps(d)'
    )
    assert desk.edit(place, change)[0] == 0
    shown = json.loads(desk.run("show", place, "--json")[1])
    [edit] = shown["edits"]
    assert (edit["by"], edit["set"], edit["unset"]) == ("me", {"m": "new", "n": "é", "__time__": "5"}, ["old"])
    assert (shown["time"], shown["original"]["time"]) == (5, 1_700_000_000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("pass", "nothing is changed"),
        ('text = "{"', "what was saved is no JSON"),
        ('text = "[]"', "expected one JSON object, each value a text in quotes"),
        ("text = '{\"m\": 5}'", "expected one JSON object, each value a text in quotes"),
        ("sys.exit(3)", "the editor ended with 3: nothing is changed"),
    ],
)
def test_an_editor_that_leaves_no_record_changes_nothing(desk: Desk, change: str, said: str) -> None:
    """One sentence, exit code 2, the letter as it was."""
    place = desk.park(1)
    code, _, complaint = desk.edit(place, change)
    assert (code, said in complaint) == (2, True), complaint
    assert "edits" not in desk.dead.store.get("dead/gone/open/0/b/0000000001.json").decode()  # type: ignore[union-attr]  # it is there


def test_a_record_cannot_steer_the_terminal(desk: Desk) -> None:
    """Control characters of fields and reasons are shown escaped."""
    place = desk.park(1, reason="bad \x1b[2J line\nfeed", evil="\x1b]0;title\x07\x9b2J")
    for words in (["show", place], ["list"], ["list", "--each"]):
        code, out, _ = desk.run(*words)
        assert code == 0
        assert not {"\x1b", "\x07", "\x9b"} & set(out)


def test_an_unreadable_letter_is_told_and_hides_no_other(desk: Desk) -> None:
    """Exit code 1, the readable ones counted; it can be discarded by its place."""
    desk.park(1)
    desk.park(2)
    desk.dead.store.put("dead/gone/open/0/b/0000000001.json", b"{broken")
    code, out, said = desk.run("list")
    assert (code, out.split("\t")[:2]) == (1, ["gone", "1"])
    assert "0000000001.json: cannot be read" in said
    code, out, _ = desk.run("list", "--each", "--json")
    assert [("problem" in json.loads(line)) for line in out.splitlines()] == [True, False]
    assert desk.run("show", "gone/0/b/1")[0] == 1
    assert desk.run("discard", "gone/0/b/1", "--yes")[0] == 0
    assert desk.run("list", "--counts")[1] == "gone\t0\t1\t0\t1\n"


def test_reasons_are_grouped_most_first(desk: Desk) -> None:
    """Numbers aside, but for a status; a single reason stands as it was."""
    for ordinal in range(3):
        desk.park(ordinal, reason=f"HTTP 400: event {ordinal}")
    desk.park(3, reason="HTTP 413: 9 bytes too many")
    groups = json.loads(desk.run("list", "--json")[1])["groups"]
    assert [(group["letters"], group["reason"]) for group in groups] == [
        (3, "HTTP 400: event #"), (1, "HTTP 413: 9 bytes too many"),
    ]  # fmt: skip


def test_nothing_to_list_says_so(desk: Desk) -> None:
    """On standard error: a script's output stays empty."""
    assert desk.run("list") == (0, "", "no letter matches\n")
    assert desk.run("replay")[:2] == (0, "there are no open dead letters\n")


def test_a_letter_that_was_discarded_is_not_discarded_again(desk: Desk) -> None:
    """Nor edited: the answer says what it is."""
    place = desk.park(1)
    assert desk.run("discard", place, "--yes", "--by", "me")[1] == "gone: 1 discarded\n"
    assert "is discarded already" in desk.run("discard", place, "--yes")[2]
    assert "is not open any more" in desk.run("edit", place, "--set", "m=x")[2]
    assert "discarded  20" in desk.run("show", place)[1]
