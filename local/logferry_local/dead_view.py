"""Dead letters as a person, or a program, sees them: counted, one a line, or one whole.

What a record or a destination's reason says is shown escaped where it is not printable: it must not steer a terminal.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import typer

from logferry import letters
from logferry.dead_letters import DeadLetter, address
from logferry.errors import LogferryError
from logferry.letters import Found
from logferry.replay_order import Replayed
from logferry_local.task_view import print_rows

__all__ = ["Group", "clean", "grouped", "line", "print_groups", "print_letter", "print_lines", "print_report", "whole"]

_WIDEST = 200  # characters of a reason in a table
_MOST = 1_000  # reasons told apart
_FATES = ("delivered", "refused", "left_out", "unreadable", "in_flight", "resting")


@dataclass(slots=True)
class Group:
    """Letters of one task with one reason (but for its numbers)."""

    task: str
    reason: str
    letters: int = 0
    oldest: int = 0  # Unix seconds
    newest: int = 0

    def add(self, letter: DeadLetter) -> None:
        """Count one more."""
        if self.reason != letter.reason:
            self.reason = letters.reason_class(letter.reason)
        self.oldest = min(self.oldest or letter.parked_at, letter.parked_at)
        self.newest = max(self.newest, letter.parked_at)
        self.letters += 1


def grouped(found: Iterable[Found]) -> tuple[list[Group], list[str]]:
    """Letters by task and reason, most first; and what could not be read (a hundred of it)."""
    groups: dict[tuple[str, str], Group] = {}
    problems: list[str] = []
    for one in found:
        if one.letter is None:
            problems[:] = [*problems[:99], one.problem]
            continue
        task, kind = address(one.key).task, letters.reason_class(one.letter.reason)
        key = (task, kind) if (task, kind) in groups or len(groups) < _MOST else (task, "other reasons")
        groups.setdefault(key, Group(task, one.letter.reason)).add(one.letter)
    return sorted(groups.values(), key=lambda group: (group.task, -group.letters)), problems


def print_groups(groups: Iterable[Group]) -> None:
    """A table on a terminal, tab-separated lines in a pipe."""
    cells = [(one.task, one.letters, when(one.oldest), when(one.newest), clean(one.reason)) for one in groups]
    print_rows(("task", "letters", "oldest", "newest", "reason"), cells)


def line(found: Found) -> dict[str, Any]:
    """One letter without its record."""
    at = address(found.key)
    said: dict[str, Any] = {"place": letters.words(found.key), "task": at.task, "state": at.state, "key": found.key}
    if found.letter is None:
        return said | {"problem": found.problem}
    known = msgspec.to_builtins(found.letter)
    return said | {name: known.get(name) for name in ("reason", "parked_at", "tried_at", "closed")} | {
        "task_version": found.letter.task_version, "attempts": found.letter.attempts, "edits": len(found.letter.edits)
    }  # fmt: skip


def print_lines(found: Iterable[Found]) -> int:
    """Each letter on one line as it comes, tab-separated; how many could not be read."""
    broken = 0
    for one in found:
        said = line(one)
        broken += "problem" in said
        parked = when(one.letter.parked_at) if one.letter else "?"
        typer.echo("\t".join((said["place"], parked, clean(said.get("problem") or said["reason"]))))
    return broken


def whole(found: Found) -> dict[str, Any]:
    """One letter with its record: as it came, and as edited if it was."""
    said = line(found)
    if found.letter is None:
        return said
    try:
        came, now = letters.record_of(found.letter, edited=False), letters.record_of(found.letter)
    except LogferryError as error:
        return said | {"problem": str(error), "bytes": found.letter.bytes().decode("utf-8", "backslashreplace")}
    said |= {"time": now.time, "nanos": now.nanos, "fields": dict(now.fields)}
    if found.letter.edits:
        said["edits"] = msgspec.to_builtins(found.letter.edits)
        said["original"] = {"time": came.time, "nanos": came.nanos, "fields": dict(came.fields)}
    return said


def print_letter(said: Mapping[str, Any]) -> None:
    """Where it stood, why it was parked, what it says."""
    typer.echo(f"{said['place']}  ({said['state']})")
    if "problem" in said:
        typer.echo(f"cannot be read: {clean(said['problem'])}")
    if "reason" not in said:
        return
    typer.echo(f"reason     {clean(said['reason'], 500)}")
    typer.echo(f"parked     {when(said['parked_at'])}, refused last by version {said['task_version']} of the task")
    if said["attempts"]:
        typer.echo(f"replayed   {said['attempts']} time(s) in vain, last {when(said['tried_at'])}")
    if said["closed"]:
        closed = said["closed"]
        to = f" to {closed['to']}" if closed.get("to") else ""
        typer.echo(f"{said['state']:<10} {when(closed['at'])}{to} by {clean(closed.get('by') or '?')}")
    for change in said["edits"] or ():
        named = [f"{name}={clean(value)}" for name, value in change["set"].items()]
        named += [f"without {clean(name)}" for name in change["unset"]]
        typer.echo(f"edited     {when(change['at'])} by {clean(change['by'])}: {', '.join(named)}")
    if "bytes" in said:
        typer.echo(f"bytes      {clean(said['bytes'], 100_000)}")
    if "fields" in said:
        typer.echo(f"time       {when(said['time'])}")
        for name, value in said["fields"].items():
            typer.echo(f"  {clean(name)}: {clean(str(value), 100_000)}")


def print_report(done: Mapping[str, Replayed], opened: Mapping[str, int]) -> None:
    """What became of a replay, and what is left."""
    heads = ("task", *(name.replace("_", " ") for name in _FATES), "open")
    cells = [(task, *(getattr(found, name) for name in _FATES), opened[task]) for task, found in done.items()]
    print_rows(heads, cells)
    for task, found in done.items():
        for reason, count in sorted(found.reasons.items(), key=lambda item: -item[1]):
            typer.echo(f"{task}: {count} stay open: {clean(reason)}", err=True)
        if found.in_flight:
            typer.echo(
                f"{task}: {found.in_flight} belong to a range that is still open: the next run decides", err=True
            )
        if found.error:
            typer.echo(f"{task}: stopped, {opened[task]} are still open: {clean(str(found.error), 500)}", err=True)


def clean(text: str, most: int = _WIDEST) -> str:
    """The text on one line, cut short, with nothing in it that a terminal would obey."""
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text if text.isprintable() else json.dumps(text)


def when(seconds: float) -> str:
    """A time as UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
