"""What a person does to a task that is there: `pause`, `resume`, `seek`, `delete`."""

import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer

from logferry import times
from logferry.control import Control
from logferry.errors import ConfigError, Conflict
from logferry_local import task_view as view
from logferry_local.asking import confirm

__all__ = ["COMMANDS"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name.")]


def pause(name: Name) -> None:
    """Stop reading for a task; its positions stay. A run that is under way ends its range first."""
    with Control() as control:
        changed = control.pause(name)
    typer.echo(f"{name}: offline" + ("" if changed else " already"))


def resume(name: Name) -> None:
    """Put a task on line again, and end the system's hold on it and its streams' rest, if there is one."""
    with Control() as control:
        changed, released = control.resume(name)
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
    if note := times.assumption(to):
        sys.stderr.write(note + "\n")
    with Control() as control:
        until = time.monotonic() + wait
        while True:
            try:
                moved = control.seek(name, at, stream)
                break
            except Conflict:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.5)
    for one in moved:
        typer.echo(view.moved_line(one))


def delete(name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a task with its positions and its ledger. Dead letters stay. Applied again, it starts anew."""
    with Control() as control:
        control.show(name)
        confirm(f"Delete task {name}, its positions and its ledger?", yes=yes, subject="task delete")
        control.delete(name)
    typer.echo(f"{name}: deleted")


COMMANDS: dict[str, Callable[..., None]] = {"pause": pause, "resume": resume, "seek": seek, "delete": delete}
