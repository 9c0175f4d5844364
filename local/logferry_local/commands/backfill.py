"""`logferry backfill`: deliver a window of the past for one task, beside its live run."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import orjson
import typer

from logferry import pace, wiring
from logferry.backfills import RunLetters, Runs
from logferry.errors import ConfigError
from logferry_local.backfill import estimate, preparing, session, view, window
from logferry_local.backfill.estimate import Estimate
from logferry_local.backfill.preparing import Prepared
from logferry_local.backfill.running import Ended

__all__ = ["register"]

_USUAL_GROUPS = 1000


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options that say how."""

    dry_run: bool
    rate: float
    again: bool
    yes: bool
    as_json: bool


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(  # noqa: PLR0913  # each is an option
    name: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.")],
    *,
    since: Annotated[str, typer.Option("--from", help="First receive time, such as 2026-07-01T00:00:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="Receive time at which to end; not in it.")] = "",
    resume: Annotated[str, typer.Option(help="Go on with this run; `last`: the newest that is not done.")] = "",
    abandon: Annotated[str, typer.Option(help="Give up this run: what it did not deliver is free again.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate and look for overlaps; deliver nothing.")
    ] = False,
    rate: Annotated[str, typer.Option(help="At most so many records a second, such as 500/s.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Deliver again what was delivered before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask (it asks only on a terminal).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output; never asks.")] = False,
) -> None:
    """Deliver what was received from one time to another, as a run of its own with its own rows."""
    asked = _Asked(dry_run=dry_run, rate=pace.per_second(rate) if rate else 0.0, again=again, yes=yes, as_json=as_json)
    _one_of(since, until, resume, abandon)
    shop = wiring.workshop(os.environ)
    if abandon:
        _abandon(shop, name, abandon)
    elif resume:
        _deliver(shop, preparing.resumed(shop, name, resume), asked, new=False)
    else:
        times = window.parse(since, until, time.time())
        _deliver(shop, preparing.fresh(shop, name, times, time.time()), asked, new=True)


def _one_of(since: str, until: str, resume: str, abandon: str) -> None:
    """ConfigError unless it is a window, or a run."""
    ways = [bool(since or until), bool(resume), bool(abandon)]
    if sum(ways) != 1 or bool(since) != bool(until):
        raise ConfigError(["expected --from with --to, or --resume RUN, or --abandon RUN"], subject="backfill")


def _abandon(shop: wiring.Workshop, name: str, which: str) -> None:
    runs = Runs(shop.table)
    run = runs.get(name, which)
    if run.state != "open":
        raise ConfigError([f"run {run.run} is {run.state} already"], subject="backfill")
    runs.save(msgspec.structs.replace(run, state="abandoned", ended=time.time()))
    typer.echo(f"run {run.run}: abandoned; what it delivered stays in its ledger")


def _deliver(shop: wiring.Workshop, prepared: Prepared, asked: _Asked, *, new: bool) -> None:
    """Estimate, ask, deliver, tell."""
    run = prepared.run
    for note in prepared.notes:
        sys.stderr.write(f"note: {note}\n")
    ledger = shop.ledger.of_run(run.run)
    rest = preparing.left(run, ledger.rows(run.task), prepared.source)
    found = preparing.measure(shop, prepared, rest)
    if asked.dry_run or (new and not rest):
        _print_plan(prepared, found, asked)
        return
    if not new or asked.again or not prepared.overlaps:
        _confirm(prepared, found, asked)
    if new:
        preparing.keep(shop, prepared, again=asked.again)
    else:
        Runs(shop.table).save(run)
    with _bar(estimate.total(found).records) as hearing:
        most = getattr(prepared.task.source.options, "max_groups", _USUAL_GROUPS)
        groups = session.groups_for(asked.rate, estimate.total(found), most)
        ended = session.sit(shop, prepared, asked.rate, groups, hearing)
    _tell(shop, prepared, found, ended, asked)


def _print_plan(prepared: Prepared, found: list[Estimate], asked: _Asked) -> None:
    if asked.as_json:
        run = prepared.run
        _write({"task": run.task, "from": window.shown(run.since), "to": window.shown(run.until), "dry_run": True,
                "estimate": view.counted(found), "overlaps": prepared.overlaps, "notes": prepared.notes})  # fmt: skip
        return
    _print_estimate(found)
    if not found:
        typer.echo("nothing to deliver: the source received nothing in that time")
    for line in prepared.overlaps:
        typer.echo(f"overlap: {line}")


def _print_estimate(found: list[Estimate]) -> None:
    if found:
        view.print_table(view.estimate_table(found))
    typer.echo(f"estimate: {view.about(found)}")


def _confirm(prepared: Prepared, found: list[Estimate], asked: _Asked) -> None:
    """Say how much it is; on a terminal, ask. Whoever runs it from a script has decided already."""
    if asked.as_json:
        return
    _print_estimate(found)
    if not asked.yes and sys.stdin.isatty():
        typer.confirm(f"Deliver it to the destination of {prepared.run.task}?", abort=True)


@contextmanager
def _bar(records: int) -> Iterator[session.Hearing]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("records", total=records)

        def say(text: str) -> None:
            progress.update(bar, description=text or "records")
            if text and not console.is_terminal:
                sys.stderr.write(f"{text}\n")

        yield lambda seen: progress.advance(bar, seen), say


def _tell(shop: wiring.Workshop, prepared: Prepared, found: list[Estimate], ended: Ended, asked: _Asked) -> None:
    """What came of it, and the exit code that says so."""
    name, which = prepared.run.task, prepared.run.run
    rows = shop.ledger.of_run(which).rows(name)
    result = view.outcome(Runs(shop.table).get(name, which), rows, prepared.source)
    wrong = view.problems(rows)
    if asked.as_json:
        more: dict[str, Any] = {"ended": ended.how, "why": ended.why, "problems": wrong}
        _write(result | {"estimate": view.counted(found), "notes": prepared.notes} | more)
    else:
        view.print_table(view.outcome_table(result))
        typer.echo(f"run {which}: {result['state']}; `logferry ledger {name} --run {which} --verify` recounts it")
    parked = sum(RunLetters(shop.dead, which).counts(name, row.stream)["open"] for row in rows)
    if parked:
        sys.stderr.write(f"{parked} dead letter(s), under streams that end with @{which}\n")
    sys.stderr.writelines(f"PROBLEM: {problem}\n" for problem in wrong)
    if ended.how != "done":
        sys.stderr.write(f"{ended.how}: {ended.why}\ngo on with: logferry backfill {name} --resume {which}\n")
    code = ended.code or int(bool(wrong))
    if code:
        raise typer.Exit(code)


def _write(body: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() + "\n")
