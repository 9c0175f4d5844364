"""`logferry task …`: check and apply delivery tasks, see how they stand, pause, resume, seek, delete.

Tasks live in the state table that `LOGFERRY_STATE` names; secrets are references and never read here.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from logferry import apply as applying
from logferry import documents, positions, task_schema, times, wiring
from logferry import task as tasks
from logferry.errors import ConfigError, Conflict, LogferryError, Misconfigured
from logferry.health import Holds
from logferry.ledger import Ledger
from logferry.sources import Surroundings
from logferry.spill_source import SpillSource
from logferry.spill_store import SpillStore
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import TaskStore
from logferry.vault import Vault
from logferry_local import task_view as view
from logferry_local.asking import confirm

__all__ = ["register"]

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Task files: YAML or JSON, one task each.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name.")]


def register(app: typer.Typer) -> None:
    """Add `task` with its subcommands."""
    group = typer.Typer(
        help="Delivery tasks: check, apply, list, show, pause, resume, seek, delete.", no_args_is_help=True
    )
    commands: dict[str, Callable[..., None]] = {
        "schema": schema, "check": check, "apply": apply, "list": list_tasks, "show": show,
        "pause": pause, "resume": resume, "seek": seek, "delete": delete,
    }  # fmt: skip
    for name, command in commands.items():
        group.command(name)(command)
    app.add_typer(group, name="task")


def schema() -> None:
    """Print the JSON Schema of a task file, for editors."""
    typer.echo(json.dumps(task_schema.schema(), indent=2))


def check(files: Files, *, as_json: Json = False) -> None:
    """Check task files: every mistake of every file. Exit code 2 if there is any. Touches nothing."""
    checked = _check(files)
    if as_json:
        reports = [{"file": file, "task": task and task.task, "problems": found} for file, task, found in checked]
        typer.echo(json.dumps({"ok": not any(found for _, _, found in checked), "files": reports}))
    else:
        for file, task, found in checked:
            if task and not found:
                typer.echo(f"{file}: task {task.task} is right")
        _complain(checked)
    if any(found for _, _, found in checked):
        raise typer.Exit(2)


def apply(files: Files, *, as_json: Json = False) -> None:
    """Check task files, then put them to work: write start positions, store the tasks. Twice the same is once."""
    checked = _check(files)
    _complain(checked)
    if any(found for _, _, found in checked):
        raise typer.Exit(2)
    results: list[dict[str, Any]] = []
    with _table() as table:
        for _, task, _ in checked:
            if task is not None:
                results.append(_apply(task, table, quiet=as_json))
    if as_json:
        typer.echo(json.dumps({"tasks": results}))
    failed = {result["exit"] for result in results if "error" in result}
    if failed:
        raise typer.Exit(max(failed))


def list_tasks(*, as_json: Json = False) -> None:
    """List all tasks with their states."""
    with _table() as table:
        held = Holds(table).all()
        found = [view.summary(stored, held.get(stored.name)) for stored in TaskStore(table, time.time).all()]
    if as_json:
        typer.echo(json.dumps({"tasks": found}))
    else:
        view.print_rows(view.COLUMNS, [[one[column] for column in view.COLUMNS] for one in found])


def show(name: Name, *, as_json: Json = False) -> None:
    """Show one task: what was applied, its state, where each stream stands."""
    with _table() as table:
        stored = TaskStore(table, time.time).get(name)
        rows = Ledger(table).rows(name)
        known = view.detail(stored, Holds(table).health(name), rows)
    known["dead_letters"] = view.letters(name, os.environ)
    if as_json:
        typer.echo(json.dumps(known))
    else:
        view.print_detail(known, rows)


def pause(name: Name) -> None:
    """Stop reading for a task; its positions stay. A run that is under way ends its range first."""
    with _table() as table:
        store = TaskStore(table, time.time)
        _refuse_pending(store, name)
        changed = store.set_state(name, "offline")
    typer.echo(f"{name}: offline" + ("" if changed else " already"))


def resume(name: Name) -> None:
    """Put a task on line again, and end the system's hold on it and its streams' rest, if there is one."""
    with _table() as table:
        store = TaskStore(table, time.time)
        _refuse_pending(store, name)
        changed = store.set_state(name, "online")
        released = Holds(table).release(name)
        positions.wake(name, Ledger(table), time.time())
    typer.echo(f"{name}: online" + ("" if changed or released else " already") + (", hold ended" if released else ""))


def seek(
    name: Name,
    to: Annotated[str, typer.Option(help="begin, end, or a time such as 2026-07-01T00:00:00Z (receive time).")],
    stream: Annotated[str | None, typer.Option(help="This stream (shard) only.")] = None,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for a stream that is in work.")] = 0.0,
) -> None:
    """Move a task's positions. On: a recorded gap. Back: records are delivered again. Refused while in work."""
    at: str | int | None = to if to in ("begin", "end") else times.unix_time(to)
    if at is None:
        raise ConfigError([f"--to: {to!r} is not begin, end or {times.FORM}"], subject="seek")
    _say_assumption(to)
    with _table() as table:
        source = applying.source_of(TaskStore(table, time.time).get(name).task(), _surroundings())
        spills = SpillStore(wiring.open_store(os.environ))
        until = time.monotonic() + wait
        while True:
            try:
                seen = SpillSource(source, spills, name, Ledger(table).rows(name))
                moved = positions.seek(name, seen, Ledger(table), at, time.time(), stream)
                break
            except Conflict:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.5)
    for one in moved:
        typer.echo(view.moved_line(one))


def delete(name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a task with its positions and its ledger. Dead letters stay. Applied again, it starts anew."""
    with _table() as table:
        TaskStore(table, time.time).get(name)
        confirm(f"Delete task {name}, its positions and its ledger?", yes=yes, subject="task delete")
        applying.delete(name, table, time.time, SpillStore(wiring.open_store(os.environ)))
    typer.echo(f"{name}: deleted")


def _check(files: Sequence[Path]) -> list[tuple[str, Task | None, list[str]]]:
    """Each file with its task or its mistakes; two files with one name are a mistake of the second."""
    checked: list[tuple[str, Task | None, list[str]]] = []
    seen: dict[str, str] = {}
    for file in files:
        try:
            task = tasks.parse(_read(file))
        except ConfigError as error:
            checked.append((str(file), None, error.problems))
            continue
        other = seen.setdefault(task.task, str(file))
        twice = [f"task: {task.task!r} stands in {other} too"] if other != str(file) else []
        checked.append((str(file), task, twice))
    return checked


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(documents.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror}"]) from None


def _complain(checked: Sequence[tuple[str, Task | None, list[str]]]) -> None:
    for file, _, found in checked:
        if found:
            sys.stderr.write(f"{file}: {len(found)} problem(s)\n")
            sys.stderr.writelines(f"  {problem}\n" for problem in found)


def _apply(task: Task, table: Table, *, quiet: bool) -> dict[str, Any]:
    try:
        applied = applying.apply_task(task, table, _surroundings())
    except LogferryError as error:
        sys.stderr.write(f"{task.task}: {error}\n")
        return {
            "task": task.task,
            "error": str(error),
            "exit": 2 if isinstance(error, ConfigError | Misconfigured) else 1,
        }
    if applied.created:
        _say_assumption(task.start)
    if not quiet:
        typer.echo(view.applied_line(applied, task.start))
    return {
        "task": applied.name, "version": applied.version, "changed": applied.changed, "created": applied.created,
        "streams": list(applied.streams),
    }  # fmt: skip


def _say_assumption(text: str) -> None:
    if note := times.assumption(text):
        sys.stderr.write(note + "\n")


def _refuse_pending(store: TaskStore, name: str) -> None:
    if store.get(name).state == "pending":
        raise Misconfigured(f"{name} is pending: prove the ownership of its destination first")


def _surroundings() -> Surroundings:
    return Surroundings(os.environ, Vault(os.environ))


@contextmanager
def _table() -> Iterator[Table]:
    table = wiring.open_table(os.environ)
    try:
        yield table
    finally:
        table.close()
