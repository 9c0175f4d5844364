"""`logferry ledger`: what was read, what became of it, and whether that is true."""

import os
import sys
from typing import Annotated, Any

import orjson
import typer

from logferry import wiring
from logferry_local.ledger_report import Checked, report

__all__ = ["register"]

_COLUMNS = ("read", "delivered", "filtered", "sampled_out", "parked", "filtered_at_source", "maybe_repeated")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ledger")(ledger)


def ledger(
    tasks: Annotated[list[str] | None, typer.Argument(help="Tasks; all if none is named.")] = None,
    *,
    verify: Annotated[bool, typer.Option(help="Recount at the source and in the object store.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show every task's ledger. Exit code 1: ranges do not tile, counts do not add up, or a recount differs."""
    shop = wiring.workshop(os.environ)
    checked = _with_progress(shop, tasks or [], verify=verify)
    if as_json:
        body = {"balanced": checked.balanced, "verified": verify, "tasks": checked.tasks,
                "problems": checked.problems, "notes": checked.notes}  # fmt: skip
        sys.stdout.write(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(checked, verified=verify)
    if not checked.balanced:
        raise typer.Exit(1)


def _with_progress(shop: wiring.Workshop, tasks: list[str], *, verify: bool) -> Checked:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not (verify and console.is_terminal)) as progress:
        bar = progress.add_task("recounting", total=None)
        return report(shop, tasks, verify=verify, tick=lambda records: progress.advance(bar, records))


def _print(checked: Checked, *, verified: bool) -> None:
    from rich.console import Console

    console = Console()
    for task in checked.tasks:
        console.print(_table(task))
        for stream in task["streams"]:
            for gap in stream["gaps"]:
                size = f", about {gap['estimate']} positions" if gap.get("estimate") else ""
                note = f"; {gap['note']}" if gap.get("note") else ""
                text = f"  gap in {stream['stream']}: {gap['begin']}..{gap['end']} {gap['reason']}{size}{note}"
                console.print(text, markup=False)
            if stream["last_error"]:
                console.print(f"  last error on {stream['stream']}: {stream['last_error']}", markup=False)
    for note in checked.notes:
        console.print(f"note: {note}", markup=False)
    for problem in checked.problems:
        console.print(f"PROBLEM: {problem}", markup=False, style="red")
    if checked.balanced:
        console.print("balanced" + (", recounted at the source" if verified else ""))


def _table(task: dict[str, Any]) -> Any:  # noqa: ANN401  # rich is imported only when a table is printed
    from rich.table import Table

    title = f"{task['task']} (version {task['version']}, {task['state']}, confirmation: {task['confirmation']})"
    table = Table(title=title, title_justify="left")
    for name in ("stream", *_COLUMNS, "open/replayed/discarded", "gaps", "lag"):
        table.add_column(name, justify="right" if name != "stream" else "left")
    for stream in task["streams"]:
        letters = "/".join(str(count) for count in stream["dead_letters"].values())
        lag = "?" if stream["lag"] is None else f"{stream['lag']} s"
        table.add_row(
            stream["stream"], *(str(stream[name]) for name in _COLUMNS), letters, str(len(stream["gaps"])), lag
        )
    table.add_section()
    table.add_row("total", *(str(task["totals"][name]) for name in _COLUMNS))
    return table
