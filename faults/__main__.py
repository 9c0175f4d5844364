"""`python -m faults [--full] [--only TEXT] [--jobs N] [--json FILE] [--docs]`; exit code 1 if a cell is red."""

import argparse
import sys
from pathlib import Path

import msgspec

from faults import report
from faults.cells import cells
from faults.crews import results
from faults.verdict import Result

__all__ = ["main"]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="faults", description="The fault matrix: every fault, and what came of it.")
    parser.add_argument("--full", action="store_true", help="every fault on every way; else each kind of fault once")
    parser.add_argument("--only", default="", metavar="TEXT", help="cells whose name holds it")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as JSON")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/faults.md (needs --full)")
    given = parser.parse_args()
    chosen = [cell for cell in cells(full=given.full) if given.only in cell.name]
    if not chosen:
        parser.error(f"--only {given.only}: no cell has a name like that")
    if given.docs and (given.only or not given.full):
        parser.error("--docs: the page shows the whole matrix: --full, without --only")
    rows: list[Result] = []
    for row in results(chosen, given.jobs):
        sys.stderr.write(report.line(row, len(rows) + 1, len(chosen)))
        rows.append(row)
    ranks = {cell.name: rank for rank, cell in enumerate(chosen)}
    rows.sort(key=lambda row: ranks[row.cell])
    red = [row for row in rows if row.problems]
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    if given.docs and not red:
        report.put_into_docs(rows)
    print(report.summary(rows))
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
