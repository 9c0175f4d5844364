"""Task files: `schema`, `check`, `plan`, `apply`."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from logferry import categories, documents, task_schema, times
from logferry import task as tasks
from logferry.control import Control
from logferry.errors import ConfigError, LogferryError, Misconfigured
from logferry.stages.hints import hints
from logferry.task import Task
from logferry_local import plan_view, proof_view
from logferry_local import task_view as view

__all__ = ["COMMANDS"]

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Task files: YAML or JSON, one task each.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Live = Annotated[
    bool, typer.Option("--live", help="Ask source and destination too, and send one marked test record each.")
]
Checked = tuple[str, Task | None, list[str]]
"""A file, its task, or what is wrong with it."""


def schema() -> None:
    """Print the JSON Schema of a task file, for editors."""
    typer.echo(json.dumps(task_schema.schema(), indent=2))


def check(files: Files, *, live: Live = False, as_json: Json = False) -> None:
    """Check task files: every mistake of every file. Exit code 2 if there is any. Touches nothing without --live."""
    checked = _check(files)
    reports: list[dict[str, Any]] = []
    codes = {2 if found else 0 for _, _, found in checked}
    with Control() if live else _Nothing() as control:
        for file, task, found in checked:
            report: dict[str, Any] = {"file": file, "task": task and task.task, "problems": found}
            if task and not found and not as_json:
                typer.echo(f"{file}: task {task.task} is right")
            notes = _notes(task) if task and not found else []
            if notes:
                report["notes"] = notes
                typer.echo("\n".join(f"{file}: note: {note}" for note in notes), err=True)
            if task and not found and control:
                steps = control.check_live(task)
                report["live"] = [step._asdict() for step in steps]
                codes |= {plan_view.code_of(step) for step in steps}
                if not as_json:
                    plan_view.print_findings(task.task, steps)
            reports.append(report)
    if as_json:
        typer.echo(json.dumps({"ok": codes <= {0}, "files": reports}))
    else:
        _complain(checked)
    _leave(max(codes, default=0))


def plan(files: Files, *, as_json: Json = False) -> None:
    """Tell what `apply` would change, without doing it: keys, version, streams, a new proof, read quotas."""
    checked = _checked(files)
    with Control() as control:
        found = [control.plan(task) for _, task, _ in checked if task is not None]
    if as_json:
        typer.echo(json.dumps({"tasks": msgspec.to_builtins(found)}))
    else:
        for one in found:
            plan_view.print_plan(one)
    _leave(max((2 if one.problem else 1 if one.unasked else 0 for one in found), default=0))


def apply(files: Files, *, as_json: Json = False) -> None:
    """Check task files, then put them to work: write start positions, store the tasks. Twice the same is once."""
    checked = _checked(files)
    with Control() as control:
        results = [_apply(task, control, quiet=as_json) for _, task, _ in checked if task is not None]
    if as_json:
        typer.echo(json.dumps({"tasks": results}))
    _leave(max((result["exit"] for result in results if "error" in result), default=0))


COMMANDS: dict[str, Callable[..., None]] = {"schema": schema, "check": check, "plan": plan, "apply": apply}


class _Nothing:
    """In place of a Control where nothing is to be touched."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _leave(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _checked(files: Sequence[Path]) -> list[Checked]:
    """All files; the command ends here if one of them is wrong."""
    checked = _check(files)
    _complain(checked)
    if any(found for _, _, found in checked):
        raise typer.Exit(2)
    return checked


def _check(files: Sequence[Path]) -> list[Checked]:
    """Each file with its task or its mistakes; two files with one name are a mistake of the second."""
    return list(_each(files, {}))


def _each(files: Sequence[Path], seen: dict[str, str]) -> Iterator[Checked]:
    for file in files:
        try:
            task = tasks.parse(_read(file))
        except ConfigError as error:
            yield str(file), None, error.problems
            continue
        other = seen.setdefault(task.task, str(file))
        yield str(file), task, [f"task: {task.task!r} stands in {other} too"] if other != str(file) else []


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(documents.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror}"]) from None


def _notes(task: Task) -> list[str]:
    """What may be a slip, though the task is right."""
    return hints(task.filter, categories.find(task.category)) if task.filter and task.category else []


def _complain(checked: Sequence[Checked]) -> None:
    for file, _, found in checked:
        if found:
            sys.stderr.write(f"{file}: {len(found)} problem(s)\n")
            sys.stderr.writelines(f"  {problem}\n" for problem in found)


def _apply(task: Task, control: Control, *, quiet: bool) -> dict[str, Any]:
    try:
        applied = control.apply(task)
    except LogferryError as error:
        sys.stderr.write(f"{task.task}: {error}\n")
        code = 2 if isinstance(error, ConfigError | Misconfigured) else 1
        return {"task": task.task, "error": str(error), "exit": code}
    if applied.created and (note := times.assumption(task.start)):
        sys.stderr.write(note + "\n")
    if not quiet:
        typer.echo(view.applied_line(applied, task.start))
        if applied.state == "pending" and applied.proof:
            typer.echo("\n".join(proof_view.lines(task, applied.proof)))
    told = {"proof": proof_view.facts(task, applied.proof)} if applied.proof else {}
    return {
        "task": applied.name, "version": applied.version, "changed": applied.changed, "created": applied.created,
        "streams": list(applied.streams), "state": applied.state, **told,
    }  # fmt: skip
