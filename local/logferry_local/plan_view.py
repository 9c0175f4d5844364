"""What would change, and what a look at source and destination found, for people."""

from collections.abc import Sequence

import typer

from logferry.live_check import Finding
from logferry.preview import Preview

__all__ = ["code_of", "print_findings", "print_plan"]

_ABSENT = "(not given)"


def print_plan(found: Preview) -> None:
    """A line for the task, one for each key, what follows."""
    if found.problem:
        typer.echo(f"{found.task}: would be refused: {found.problem}")
        return
    typer.echo(f"{found.task}: version {found.version}, {found.what}; {found.state}")
    for change in found.changes:
        if found.what == "new":
            typer.echo(f"  {change.key}: {change.after}")
        else:
            typer.echo(f"  {change.key}: {change.before or _ABSENT} -> {change.after or _ABSENT}")
    if found.proof:
        typer.echo("  its destination has to be proved first: nothing is delivered until then")
    if found.streams:
        typer.echo(f"  {len(found.streams)} stream(s) get a start position: {', '.join(found.streams)}")
    if found.unasked:
        typer.echo(f"  the source could not be asked for its streams: {found.unasked}")
    for warning in found.warnings:
        typer.echo(f"  warning: {warning}")


def print_findings(task: str, steps: Sequence[Finding]) -> None:
    """A line each."""
    words = {True: "ok", False: "wrong", None: "not tried"}
    for step in steps:
        typer.echo(f"{task}: {step.step}: {words[step.ok]}: {step.said}")


def code_of(step: Finding) -> int:
    """The exit code: 1 for what may pass, 2 for what wants a person."""
    return 0 if step.ok is not False else 1 if step.passing else 2
