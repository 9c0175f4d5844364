"""The fault matrix as data: nothing of it can be left out, in the report either."""

import re
from collections import Counter
from pathlib import Path

import pytest
from faults import report
from faults.boat import Seen
from faults.cells import Cell, Fault, cells, faults, names, ways
from faults.course import KINDS
from faults.verdict import Tally, judge

from logferry import registry

ROOT = Path(__file__).parents[2]
FULL, QUICK = list(cells(full=True)), list(cells(full=False))
STATUSES = (400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504)


def reported() -> dict[tuple[str, str], dict[str, str]]:
    """The rows of docs/faults.md by way and title."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for section in report.PAGE.read_text(encoding="utf-8").split("\n### ")[1:]:
        way, *rest = section.split("\n")
        rows = [[part.strip() for part in line.strip("|").split("|")] for line in rest if line.startswith("|")]
        head, rows = rows[0], rows[2:]
        found |= {(way, row[0]): dict(zip(head, row, strict=True)) for row in rows}
    return found


def test_every_destination_takes_part() -> None:
    """A new one needs its adapter in faults/adapters."""
    assert names() == sorted(registry.names("destinations"))


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
def test_every_fault_has_its_row_in_the_fates(fault: Fault) -> None:
    """What is expected is what docs/fates.md states; what makes the fault is there."""
    rows = (ROOT / "docs/fates.md").read_text(encoding="utf-8").split("\n")
    assert [row for row in rows if row.startswith(f"| {fault.row}")]
    assert fault.trouble in KINDS


def test_every_status_is_in_the_matrix() -> None:
    """For each destination that speaks HTTP."""
    for way in ways():
        mine = {cell.fault.options.get("status") for cell in FULL if cell.way == way}
        assert "web" not in way.offers or mine >= set(STATUSES)


def test_every_cell_stands_in_the_report_with_its_stated_fate() -> None:
    """docs/faults.md is made anew (`make faults-full`) when the matrix grows."""
    rows = reported()
    told = {key: row["fate"].split(" ")[0] for key, row in rows.items()}
    assert told == {(cell.way.name, cell.fault.title): cell.fault.fate for cell in FULL}


def test_nothing_is_lost_in_the_report_that_an_answer_confirms() -> None:
    """A socket loses only what the far side's system had taken; the ledger agrees everywhere."""
    confirmations = {way.name: way.confirmation for way in ways()}
    for (way, _), row in reported().items():
        assert row["ledger"] == "agrees"
        if confirmations[way] == "answer":
            assert row["lost"] == "0"
        elif confirmations[way] == "socket":
            assert re.fullmatch(r"0|(\d+) \(all \1 taken by the far side's system\)", row["lost"])


def test_the_report_names_day_machine_and_command() -> None:
    """So that a figure can be made again."""
    text = report.PAGE.read_text(encoding="utf-8").partition("begin -->\n")[2]
    assert re.match(r"\d{4}-\d\d-\d\d, `make faults-full`: .+, \d+ cores, Python 3\.\d+\.\d+; \d+ cells, 0 red;", text)


def test_the_quick_level_meets_each_kind_of_fault() -> None:
    """Statuses once a destination, wire faults once a transport, ten seeded kills; nothing that full has not."""
    assert {cell.name for cell in QUICK} <= {cell.name for cell in FULL}
    groups = Counter(cell.fault.group for cell in QUICK)
    assert set(groups) == {"status", "wire", "certificate", "moment"}
    assert groups["moment"] == 10
    for group in ("wire", "certificate"):
        wanted = {(cell.fault.name, cell.way.offers) for cell in FULL if cell.fault.group == group}
        assert {(cell.fault.name, cell.way.offers) for cell in QUICK if cell.fault.group == group} == wanted


def test_no_two_cells_have_one_name() -> None:
    """Rows are found by it."""
    assert max(Counter(cell.name for cell in FULL).values()) == 1


def tally(**changes: object) -> Tally:
    """Three records, all well."""
    usual = {
        "sent": ["a", "b", "c"], "arrived": {"a": 1, "b": 1, "c": 1}, "parked": [], "gone": [], "swallowed": [],
        "gaps": 0, "ledger_read": 3, "ledger_delivered": 3, "ledger_parked": 0, "maybe_repeated": 0, "ledger": [],
        "met": 1, "breaks": 1, "refusals": 0, "done": True,
    }  # fmt: skip
    return Tally(**(usual | changes))  # type: ignore[arg-type]  # its own fields


def problems(way: str, **changes: object) -> list[str]:
    """What is wrong with a cell of `refused` on this way."""
    cell: Cell = next(cell for cell in FULL if cell.name == f"{way}/refused")
    return judge(cell, Seen(), tally(**changes)).problems


def test_a_cell_in_which_all_is_well_is_green() -> None:
    """On every way."""
    assert [problems(way.name) for way in ways()] == [[]] * len(ways())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"met": 0}, "never met"),
        ({"done": False}, "not done in time"),
        ({"gaps": 1}, "fate: gap, stated is retried"),
        ({"parked": ["a"], "arrived": {"b": 1, "c": 1}, "ledger_parked": 1}, "parked: 1, expected 0"),
        ({"arrived": {"a": 1, "b": 1}, "ledger_delivered": 2}, "1 records lost: ['c']"),
        ({"arrived": {"a": 1, "b": 1}}, "delivered 3, arrived are 2"),
        ({"arrived": {"a": 1, "b": 1, "c": 2}}, "the ledger speaks of 0"),
        ({"arrived": {"a": 1, "b": 1, "c": 1, "d": 1}}, "nobody sent"),
        ({"parked": ["a"]}, "delivered and parked"),
        ({"ledger": ["hole"]}, "ledger: hole"),
        ({"ledger_read": 2}, "read 2, at the source were 3"),
    ],
)
def test_each_thing_that_can_be_wrong_makes_a_cell_red(changes: dict[str, object], says: str) -> None:
    """Where an answer confirms."""
    assert any(says in problem for problem in problems("splunk_hec", **changes))


def test_a_socket_may_lose_what_the_far_side_had_taken_and_nothing_else() -> None:
    """UDP may lose anything."""
    lost: dict[str, object] = {"arrived": {"a": 1}}
    assert problems("syslog_server tcp", **lost, swallowed=["b", "c"]) == []
    assert problems("syslog_server tcp", **lost, swallowed=["b"]) == ["1 records lost: ['c']"]
    assert problems("syslog_server udp", **lost) == []
