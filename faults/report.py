"""Rows as lines on the screen and as the tables of docs/faults.md."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from bench.report import machine

from faults.cells import Cell, Fault, faults, ways
from faults.verdict import Result

__all__ = ["PAGE", "line", "put_into_docs", "summary", "tables", "title"]

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
_BEGIN, _END = "<!-- made by `make faults-full`: begin -->\n", "<!-- made by `make faults-full`: end -->\n"
_COLUMNS = ("in", "delivered", "parked", "held", "gap", "duplicates", "maybe repeated", "lost")
_HEAD = f"| fault | {' | '.join(_COLUMNS)} | fate | ledger |\n|---|{'---:|' * len(_COLUMNS)}---|---|"


def line(row: Result, number: int, of: int) -> str:
    """One cell's progress."""
    verdict = "RED " if row.problems else "ok  "
    text = f"{number:4}/{of} {verdict} {row.cell}: {row.fate}, lost {row.lost}, {row.seconds:.1f} s\n"
    return text + "".join(f"          {problem}\n" for problem in row.problems)


def summary(rows: Sequence[Result]) -> str:
    """The last line."""
    gated = [row for row in rows if row.confirmation == "answer"]
    red = [row.cell for row in rows if row.problems]
    text = f"{len(rows)} cells, {len(red)} red; lost where an answer confirms: {sum(row.lost for row in gated)}"
    return text + (f"\nred: {', '.join(red)}" if red else "")


def title(cell: Cell) -> str:
    """How a cell's row begins in the page; random moments share one."""
    return f"| {cell.fault.title} |"


def tables(rows: Sequence[Result]) -> str:
    """A table a way; the seeds of one fault are added up."""
    known = {fault.name: fault for fault in faults()}
    parts = []
    for way in ways():
        mine = [row for row in rows if row.way == way.name]
        parts += [f"### {way.name}", "", f"Confirmed by: `{way.confirmation}`.", "", _HEAD]
        parts += [*_rows(mine, known), ""]
    return "\n".join(parts)


def put_into_docs(rows: Sequence[Result]) -> None:
    """Replace the tables of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE}: has no lines {_BEGIN.strip()} and {_END.strip()}")
    made = machine()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    seconds = sum(row.seconds for row in rows)
    head = f"{day}, `make faults-full`: {made['cpu']}, {made['cores']} cores, Python {made['python']}; "
    head += f"{summary(rows)}; {seconds:.0f} s of work.\n\n"
    PAGE.write_text(before + _BEGIN + head + tables(rows) + _END + after, encoding="utf-8")


def _rows(rows: Iterable[Result], known: dict[str, Fault]) -> Iterator[str]:
    for name, group in groupby(rows, key=lambda row: row.fault):
        same = list(group)
        figures = [
            sum(getattr(row, field) for row in same)
            for field in ("records", "delivered", "parked", "held", "gap", "duplicates", "maybe_repeated", "lost")
        ]
        swallowed = sum(row.swallowed for row in same)
        shown = [str(figure) for figure in figures]
        shown[-1] += f" (all {swallowed} taken by the far side's system)" if swallowed == figures[-1] > 0 else ""
        count = f" ({len(same)} seeds)" if len(same) > 1 else ""
        ledger = "differs" if any(row.ledger == "differs" for row in same) else "agrees"
        yield f"| {known[name].title} | {' | '.join(shown)} | {same[0].fate}{count} | {ledger} |"
