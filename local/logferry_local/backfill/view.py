"""A backfill as a person, or a program, sees it: the estimate before, the counts after."""

from collections.abc import Sequence
from typing import Any

import msgspec

from logferry import proof
from logferry.backfills import Run
from logferry.ledger import Row
from logferry.model import Counts
from logferry.sources import Source
from logferry_local.backfill import estimate
from logferry_local.backfill.estimate import Estimate
from logferry_local.backfill.window import shown

__all__ = ["about", "counted", "estimate_table", "outcome", "outcome_table", "print_table", "problems"]

_WIDEST = 1_000  # characters
_FATES = ("read", "delivered", "filtered", "sampled_out", "parked", "maybe_repeated")
_SURE = {"exact": "exact: all of it was sampled", "good": "about: two samples agree", "rough": "about, roughly"}


def estimate_table(found: Sequence[Estimate]) -> Any:  # noqa: ANN401  # rich is imported only when it is printed
    """One row a stream, and the sum."""
    table = _table("stream", "records", "bytes", "requests", "log groups", "sampled")
    for one in [*found, estimate.total(found)]:
        about = "" if one.sure == "exact" else "~"
        sizes = (f"{about}{one.records}", f"{about}{_size(one.bytes)}", f"{about}{one.requests}")
        if one.stream == "total":
            table.add_section()
        table.add_row(one.stream, *sizes, str(one.groups), str(one.sampled))
    return table


def about(found: Sequence[Estimate]) -> str:
    """The estimate in one line."""
    whole = estimate.total(found)
    sizes = f"{whole.records} records, {_size(whole.bytes)}, {whole.requests} requests"
    return f"{sizes} ({_SURE[whole.sure]})"


def counted(found: Sequence[Estimate]) -> dict[str, Any]:
    """The same for programs."""
    return {"streams": [msgspec.to_builtins(one) for one in found], "total": msgspec.to_builtins(estimate.total(found))}


def outcome(run: Run, rows: Sequence[Row], source: Source) -> dict[str, Any]:
    """What became of the run so far, stream by stream."""
    standing = {row.stream: row for row in rows}
    streams = []
    for one in run.ranges:
        row = standing.get(one.stream)
        counts = row.counts if row else Counts()
        settled = row is not None and row.open is None and source.order(row.position) >= source.order(one.end)
        streams.append({
            "stream": one.stream, "settled": settled, "position": row.position if row else one.begin, "end": one.end,
            "gaps": [msgspec.to_builtins(gap) for gap in row.gaps] if row else [],
            "last_error": row.last_error if row else "",
            **{name: getattr(counts, name) for name in Counts.__struct_fields__},
        })  # fmt: skip
    totals = {name: sum(stream[name] for stream in streams) for name in Counts.__struct_fields__}
    return {"task": run.task, "run": run.run, "state": run.state, "version": run.version, "from": shown(run.since),
            "to": shown(run.until), "streams": streams, "totals": totals}  # fmt: skip


def outcome_table(found: dict[str, Any]) -> Any:  # noqa: ANN401  # rich is imported only when it is printed
    """One row a stream, and the sum."""
    table = _table("stream", *(name.replace("_", "\n", 1) for name in _FATES), "settled")
    for stream in found["streams"]:
        table.add_row(stream["stream"], *(str(stream[name]) for name in _FATES), "yes" if stream["settled"] else "no")
    table.add_section()
    table.add_row("total", *(str(found["totals"][name]) for name in _FATES), found["state"])
    return table


def print_table(table: Any) -> None:  # noqa: ANN401  # as above
    """As wide as it has to be: a number that is cut short proves nothing."""
    from rich.console import Console

    console = Console()
    wanted = console.measure(table, options=console.options.update_width(_WIDEST)).maximum
    Console(width=max(console.width, wanted)).print(table)


def problems(rows: Sequence[Row]) -> list[str]:
    """Where the run's rows contradict themselves, and what expired before it was read."""
    found = [problem for row in rows for problem in proof.problems(row)]
    gone = [(row.stream, gap) for row in rows for gap in row.gaps]
    return found + [f"stream {stream}: {gap.begin}..{gap.end} {gap.reason} before it was read" for stream, gap in gone]


def _table(*heads: str) -> Any:  # noqa: ANN401  # as above
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, show_edge=False)
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index else "left", no_wrap=True)
    return table


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
