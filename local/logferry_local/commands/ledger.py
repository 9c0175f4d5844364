"""`logferry ledger`: what was read, what became of it, and whether that is true."""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
import typer

from logferry import wiring
from logferry.errors import ConfigError
from logferry_local import ledger_runs
from logferry_local.ledger_report import Checked, report, report_run

__all__ = ["register"]

_EQUATION = ("read", "delivered", "filtered", "sampled_out", "parked")
_COLUMNS = (*_EQUATION, "filtered_at_source", "maybe_repeated")
_WIDEST = 1_000  # characters


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ledger")(ledger)


def ledger(
    tasks: Annotated[list[str] | None, typer.Argument(help="Tasks; all if none is named.")] = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Recount at the source and in the object store.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="List the backfill runs of one task instead.")] = False,
    run: Annotated[str, typer.Option(help="The ledger of this backfill run of one task.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show every task's ledger. Exit code 1: ranges do not tile, counts do not add up, or a recount differs."""
    shop = wiring.workshop(os.environ)
    if (run or runs) and len(tasks or []) != 1:
        raise ConfigError(["--run and --runs are for one task, which is to be named"], subject="ledger")
    if runs and tasks:
        ledger_runs.show(shop, tasks[0], as_json=as_json)
        return
    checked = _with_progress(shop, tasks or [], run, verify=verify)
    if as_json:
        body = {"balanced": checked.balanced, "verified": verify, "tasks": checked.tasks,
                "problems": checked.problems, "notes": checked.notes}  # fmt: skip
        sys.stdout.write(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(checked, verified=verify)
    if not checked.balanced:
        raise typer.Exit(1)


def _with_progress(shop: wiring.Workshop, tasks: list[str], run: str, *, verify: bool) -> Checked:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not (verify and console.is_terminal)) as progress:
        bar = progress.add_task("recounting", total=None)

        def tick(records: int) -> None:
            progress.advance(bar, records)

        if run:
            return report_run(shop, tasks[0], run, verify=verify, tick=tick)
        return report(shop, tasks, verify=verify, tick=tick)


def _print(checked: Checked, *, verified: bool) -> None:
    from rich.console import Console

    console = Console()

    def say(text: str, **style: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True, **style)  # type: ignore[arg-type]  # style only

    for task in checked.tasks:
        table = _table(task)
        # As wide as it has to be: a number that is cut short proves nothing.
        wanted = console.measure(table, options=console.options.update_width(_WIDEST)).maximum
        Console(width=max(console.width, wanted)).print(table)
        for line in _remarks(task):
            say(line)
    for note in checked.notes:
        say(f"note: {note}")
    for problem in checked.problems:
        say(f"PROBLEM: {problem}", style="red")
    if checked.balanced:
        recounted = ", recounted at the source" + (", but for what the notes say" if checked.notes else "")
        say("balanced" + (recounted if verified else ""))


def _remarks(task: dict[str, Any]) -> Iterator[str]:
    """Gaps and last errors, a line each."""
    for stream in task["streams"]:
        for gap in stream["gaps"]:
            size = f", about {gap['estimate']} positions" if gap.get("estimate") else ""
            note = f"; {gap['note']}" if gap.get("note") else ""
            yield f"  gap in {stream['stream']}: {gap['begin']}..{gap['end']} {gap['reason']}{size}{note}"
        if stream["last_error"]:
            yield f"  last error on {stream['stream']}: {stream['last_error']}"


def _table(task: dict[str, Any]) -> Any:  # noqa: ANN401  # rich is imported only when a table is printed
    """One row a stream. What is 0 in all of them is left out, if it is none of the columns that must add up."""
    from rich.box import SIMPLE
    from rich.table import Table

    title = f"{task['task']} (version {task['version']}, {task['state']}, confirmation: {task['confirmation']})"
    totals = task["totals"]
    counts = [name for name in _COLUMNS if name in _EQUATION or totals[name]]
    heads = ["stream", *(name.replace("_", "\n", 1) for name in counts), "gaps", "lag"]
    letters = ["open/\nreplayed/\ndiscarded"] if totals["parked"] else []
    table = Table(title=title, title_justify="left", box=SIMPLE, show_edge=False, collapse_padding=True)
    for index, head in enumerate([*heads, *letters]):
        table.add_column(head, justify="right" if index else "left", no_wrap=True)
    for stream in task["streams"]:
        unknown = "-" if "run" in task else "?"
        lag = unknown if stream["lag"] is None else f"{stream['lag']} s"
        states = [_states(stream["dead_letters"])] if letters else []
        table.add_row(stream["stream"], *(str(stream[name]) for name in counts), str(len(stream["gaps"])), lag, *states)
    table.add_section()
    ends = ["", "", _states(totals["dead_letters"])] if letters else []
    table.add_row("total", *(str(totals[name]) for name in counts), *ends)
    return table


def _states(letters: Mapping[str, int]) -> str:
    return "/".join(str(count) for count in letters.values())
