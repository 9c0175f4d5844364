"""`logferry ledger` tells the truth, and finds each seeded fault."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry import wiring
from logferry_local.sinks import hec

COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()", "ledger"]


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Sixty records, fifty-nine delivered, one parked."""
    with ferry(tmp_path) as made:
        made.put(59)
        made.put(1, big="x" * 3_000)
        made.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000))
        made.until_done()
        yield made


def ledger(boat: Ferry, *options: str) -> tuple[int, Any, str]:
    """Exit code, the JSON answer, and what was said on standard error."""
    run = subprocess.run([*COMMAND, "--json", *options], env=boat.environ, capture_output=True, check=False, timeout=60)
    return run.returncode, json.loads(run.stdout) if run.stdout else None, run.stderr.decode()


def edit(boat: Ferry, old: bytes, new: bytes) -> None:
    """Change the stored row behind everybody's back."""
    table = wiring.workshop(boat.environ).table
    item = table.get("ledger/to-hec", "0")
    assert item is not None
    assert old in item.value
    table.put("ledger/to-hec", "0", item.value.replace(old, new), expect=item.version)


def test_the_ledger_shows_every_column(boat: Ferry) -> None:
    """Counts, dead letters by state, gaps, lag, last error and the confirmation class."""
    code, answer, _ = ledger(boat, "--verify")
    assert code == 0
    [task] = answer["tasks"]
    [stream] = task["streams"]
    assert answer["balanced"] is True
    assert task["confirmation"] == "answer"
    assert {key: stream[key] for key in ("read", "delivered", "filtered", "sampled_out", "parked")} == {
        "read": 60, "delivered": 59, "filtered": 0, "sampled_out": 0, "parked": 1,
    }  # fmt: skip
    assert stream["dead_letters"] == task["totals"]["dead_letters"] == {"open": 1, "replayed": 0, "discarded": 0}
    assert (stream["gaps"], stream["lag"], stream["last_error"]) == ([], 0, "")
    assert (stream["maybe_repeated"], stream["filtered_at_source"]) == (0, 0)


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_number_of_the_table_is_cut_short(boat: Ferry, columns: str) -> None:
    """However narrow the terminal: half a number proves nothing. What is 0 everywhere and needs no sum is left out."""
    environ = {**boat.environ, "COLUMNS": columns}
    run = subprocess.run([*COMMAND, "--verify"], env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert "…" not in run.stdout
    [total] = [line.split() for line in run.stdout.splitlines() if line.split()[:1] == ["total"]]
    assert total == ["total", "60", "59", "0", "0", "1", "1/0/0"]
    assert "discarded" in run.stdout
    assert "at_source" not in run.stdout


def test_a_held_task_is_shown_as_unhealthy(boat: Ferry) -> None:
    """The state is the one that `task list` shows."""
    wiring.workshop(boat.environ).holds.hold("to-hec", "HTTP 403", 0.0)
    _, answer, _ = ledger(boat, "to-hec")
    assert answer["tasks"][0]["state"] == "unhealthy"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b'"delivered":59', b'"delivered":58', "read 60, but delivered 58"),
        (b'"delivered":59', b'"delivered":60', "read 60, but delivered 60"),
    ],
    ids=["a lost record", "a double count"],
)
def test_counts_that_do_not_add_up_exit_1(boat: Ferry, old: bytes, new: bytes, word: str) -> None:
    """A lost record and a double count show without any recount."""
    edit(boat, old, new)
    code, answer, _ = ledger(boat)
    assert code == 1
    assert word in answer["problems"][0]


def test_a_hole_exits_1(boat: Ferry) -> None:
    """A position that moved without a settled range or a gap."""
    row = boat.row("to-hec")
    boat.put(10)
    end = boat.logstore.get_cursor("0", "end")
    edit(boat, b'"position":"' + row.position.encode(), b'"position":"' + end.encode())
    code, answer, _ = ledger(boat)
    assert code == 1
    assert "hole between" in answer["problems"][0]


def test_a_missing_dead_letter_is_found_by_verify(boat: Ferry) -> None:
    """The row alone balances; the object store tells."""
    dead = wiring.workshop(boat.environ).dead
    for key in list(dead.keys("to-hec", "open")):
        (boat.folder / "objects" / key).unlink()
    assert ledger(boat)[0] == 0
    code, answer, _ = ledger(boat, "--verify")
    assert code == 1
    assert "parked 1, the store holds 0" in answer["problems"][0]


def test_records_missing_from_the_count_are_found_by_verify(boat: Ferry) -> None:
    """A row that balances but says less than the source holds."""
    edit(boat, b'"read":60,"delivered":59', b'"read":50,"delivered":49')
    assert ledger(boat)[0] == 0
    code, answer, _ = ledger(boat, "--verify")
    assert code == 1
    assert "the ledger says read 50, the source 60" in answer["problems"][0]


def test_an_unknown_task_is_a_usage_error(boat: Ferry) -> None:
    """Exit code 2, with the names there are."""
    code, _, said = ledger(boat, "nobody")
    assert code == 2
    assert "known: to-hec" in said


def test_the_table_is_readable(boat: Ferry) -> None:
    """Without --json a person reads names and numbers."""
    run = subprocess.run(
        [*COMMAND, "--verify"], env=boat.environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0
    assert "to-hec" in run.stdout
    assert "balanced, recounted at the source" in run.stdout
