"""`logferry dead …`: records that no destination would take: list, show, edit, replay, discard.

Letters lie in the object store that `LOGFERRY_OBJECTS` names. Their records hold what the logs held: no more, no less.
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

from logferry import letters, times, wiring
from logferry.dead_letters import Closed, State
from logferry.errors import ConfigError
from logferry.letters import Found, Wanted
from logferry.wiring import Workshop
from logferry_local import dead_replay, dead_view, dead_work
from logferry_local.asking import confirm
from logferry_local.task_view import print_rows

__all__ = ["register"]

Key = Annotated[
    str, typer.Argument(metavar="LETTER", help="TASK/STREAM/BEGIN/ORDINAL as `list --each` has it, or a key.")
]
Task = Annotated[str | None, typer.Option(help="Letters of this task only.")]
Reason = Annotated[str, typer.Option(help="Letters with this text in their reason.")]
Since = Annotated[str | None, typer.Option(help="Letters parked since a time such as 2026-07-01T00:00:00Z.")]
Stream = Annotated[str, typer.Option(help="Letters of this stream (shard) only.")]
Limit = Annotated[int, typer.Option(min=0, help="At most so many letters; 0 is all.")]
By = Annotated[str, typer.Option(help="Who does it, for the record.", show_default="who is logged in")]
Put = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field; __time__ is the time (Unix seconds).")
]
Unset = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Leave a field out.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def register(app: typer.Typer) -> None:
    """Add `dead` with its subcommands."""
    group = typer.Typer(help="Dead letters: list, show, edit, replay, discard.", no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "list": list_letters, "show": show, "edit": edit, "replay": dead_replay.replay, "discard": discard,
    }  # fmt: skip
    for name, command in commands.items():
        group.command(name)(command)
    app.add_typer(group, name="dead")


def list_letters(  # noqa: PLR0913  # one argument an option
    *, task: Task = None, reason: Reason = "", since: Since = None, stream: Stream = "", limit: Limit = 0,
    state: Annotated[State, typer.Option(help="open, replayed or discarded.")] = "open",
    each: Annotated[bool, typer.Option("--each", help="One line a letter.")] = False,
    counts: Annotated[bool, typer.Option("--counts", help="Count by task and stream, reading no letter.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Count letters by task and reason (each is read for it), or list them. Exit code 1: some cannot be read."""
    shop = wiring.workshop(os.environ)
    tasks = [task] if task else list(shop.dead.tasks())
    if counts:
        if reason or since or limit or each:
            raise ConfigError(
                ["--counts reads no letter: leave out --reason, --since, --limit and --each"], subject="list"
            )
        _print_counts(shop, tasks, stream, as_json=as_json)
        return
    wanted = Wanted(stream, reason, since_of(since))
    with dead_work.progress("reading", lambda: dead_work.total(shop, tasks, wanted, state)) as seen:
        found = (one for name in tasks for one in letters.find(shop.dead, name, wanted, state, seen))
        broken = _print_found(dead_work.first(found, limit), each=each, as_json=as_json)
    if broken:
        raise typer.Exit(1)


def show(letter: Key, *, as_json: Json = False) -> None:
    """Show one letter: why it was parked, and its record's fields. Exit code 1: it cannot be read."""
    said = dead_view.whole(letters.locate(wiring.workshop(os.environ).dead, letter))
    if as_json:
        typer.echo(json.dumps(said))
    else:
        dead_view.print_letter(said)
    if "problem" in said:
        raise typer.Exit(1)


def edit(
    letter: Key, *,
    put: Put = None, unset: Unset = None,
    by: By = "",
) -> None:  # fmt: skip
    """Change fields of an open letter (without options: in $EDITOR). The original stays beside the change."""
    shop = wiring.workshop(os.environ)
    found = letters.locate(shop.dead, letter)
    change = dead_work.change(found, put or [], unset or [], by=by or dead_work.whoami())
    with dead_work.alone(shop, found):
        letters.edit(shop.dead, found.key, change)
    typer.echo(f"{letters.words(found.key)}: changed {', '.join([*change.set, *change.unset])}; the original is kept")


def discard(  # noqa: PLR0913  # one argument an option
    letter: Annotated[list[str] | None, typer.Argument(metavar="[LETTER]...", help="Single letters.")] = None, *,
    task: Task = None, reason: Reason = "", since: Since = None, stream: Stream = "", limit: Limit = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, by: By = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Give letters up: counted, kept under `discarded`, never replayed. Needs a letter or a filter."""
    shop = wiring.workshop(os.environ)
    wanted = Wanted(stream, reason, since_of(since))
    if not letter and not task and wanted == Wanted():
        raise ConfigError(
            ["name letters, or what to discard: --task, --reason, --since or --stream"], subject="discard"
        )
    chosen = dead_work.choose(shop, letter or [], task, wanted, limit)
    total = sum(map(len, chosen.values()))
    if total:
        names = ", ".join(f"{len(keys)} of task {name}" for name, keys in chosen.items())
        confirm(f"Discard {total} dead letter(s), {names}?", yes=yes, subject="discard")
    done = {name: dead_work.discard(shop, name, keys, Closed(at=int(time.time()), by=by or dead_work.whoami()))
            for name, keys in chosen.items()}  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"discarded": done}))
    else:
        typer.echo("\n".join(f"{name}: {count} discarded" for name, count in done.items()) or "no letter matches")
    if sum(done.values()) < total:
        typer.echo(f"{total - sum(done.values())} of {total} were left: delivered meanwhile, or in flight", err=True)
        raise typer.Exit(1)


def since_of(text: str | None) -> int:
    """`--since` as Unix seconds, 0 if it was not given; what was assumed is said."""
    if text is None:
        return 0
    at = times.unix_time(text)
    if at is None:
        raise ConfigError([f"--since: {text!r} is not {times.FORM}"], subject="dead")
    if assumed := times.assumption(text):
        typer.echo(assumed, err=True)
    return at


def _print_counts(shop: Workshop, tasks: Iterable[str], stream: str, *, as_json: bool) -> None:
    rows = [{"task": name, "stream": one, **counts}
            for name in tasks for one, counts in shop.dead.by_stream(name, stream).items()]  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"counts": rows}))
    else:
        print_rows(("task", "stream", "open", "replayed", "discarded"), [list(row.values()) for row in rows])


def _print_found(found: Iterator[Found], *, each: bool, as_json: bool) -> int:
    """How many could not be read."""
    if each and as_json:
        return sum(_print_json(one) for one in found)
    if each:
        return dead_view.print_lines(found)
    groups, problems = dead_view.grouped(found)
    if as_json:
        typer.echo(json.dumps({"groups": [dataclasses.asdict(group) for group in groups], "problems": problems}))
        return len(problems)
    if groups:
        dead_view.print_groups(groups)
    else:
        typer.echo("no letter matches", err=True)
    sys.stderr.writelines(f"{dead_view.clean(problem)}\n" for problem in problems)
    return len(problems)


def _print_json(found: Found) -> bool:
    typer.echo(json.dumps(dead_view.line(found)))
    return found.letter is None
