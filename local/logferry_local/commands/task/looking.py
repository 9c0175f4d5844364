"""How tasks stand: `list` and `show`."""

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from logferry.control import Control
from logferry.errors import LogferryError
from logferry.task import Task
from logferry.task_store import Stored
from logferry_local import proof_view
from logferry_local import task_view as view

__all__ = ["COMMANDS"]

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name.")]
Number = Annotated[int, typer.Option("--page", min=1, help="Which page, counted from 1.")]
Size = Annotated[int, typer.Option("--page-size", min=1, max=500, help="Tasks a page, 1-500.")]


def list_tasks(*, number: Number = 1, size: Size = 20, as_json: Json = False) -> None:
    """List tasks with their states, a page of them."""
    with Control() as control:
        page, held = control.page(number, size), control.holds()
    found = [view.summary(stored, held.get(stored.name)) for stored in page.tasks]
    if as_json:
        typer.echo(json.dumps({"tasks": found, "page": number, "page_size": size, "total": page.total}))
        return
    view.print_rows(view.COLUMNS, [[one[column] for column in view.COLUMNS] for one in found])
    if page.total > len(found):
        pages = -(-page.total // size)
        sys.stderr.write(f"page {number} of {pages}, {page.total} tasks in all (--page, --page-size)\n")


def show(name: Name, *, as_json: Json = False) -> None:
    """Show one task: what was applied, its state, what it waits for, where each stream stands."""
    with Control() as control:
        shown = control.show(name)
    task = _readable(shown.stored) if shown.stored.state == "pending" else None
    known = view.detail(shown.stored, shown.held, shown.rows)
    known["dead_letters"] = view.letters(name, os.environ)
    known["proof"] = proof_view.facts(task, shown.proof) if task and shown.proof else None
    if as_json:
        typer.echo(json.dumps(known))
        return
    view.print_detail(known, shown.rows)
    if task and shown.proof:
        for line in proof_view.lines(task, shown.proof):
            typer.echo(f"# {line}")


def _readable(stored: Stored) -> Task | None:
    try:
        return stored.task()
    except LogferryError:  # `list` has the reason; what was applied is shown all the same
        return None


COMMANDS: dict[str, Callable[..., None]] = {"list": list_tasks, "show": show}
