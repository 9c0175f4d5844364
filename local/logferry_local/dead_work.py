"""What the commands on dead letters do: choose, change, discard, with progress on a terminal."""

import getpass
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from logferry import letters
from logferry.dead_letters import Closed, Edit, State, address
from logferry.errors import ConfigError, Conflict
from logferry.letters import TIME, Found, Wanted
from logferry.model import Record
from logferry.replay_calls import busy_of, leases
from logferry.wiring import Workshop
from logferry_local.dead_view import clean

__all__ = ["alone", "change", "choose", "discard", "first", "progress", "total", "whoami"]

Seen = Callable[[int], None]
_BUSY = "{}: its range is still in flight, and the run that goes on with it decides: try again once it is done"


@contextmanager
def progress(what: str, count: Callable[[], int]) -> Iterator[Seen]:
    """A bar on a terminal's standard error; `count` says how much there is, and is asked only for a bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        bar = shown.add_task(what, total=count() if console.is_terminal else None)
        yield lambda letters_: shown.advance(bar, letters_)


def total(shop: Workshop, tasks: Iterable[str], wanted: Wanted, state: State = "open") -> int:
    """How many letters there are to look at, from their keys."""
    return sum(1 for name in tasks for _ in shop.dead.keys(name, state, wanted.stream))


def first(found: Iterator[Found], limit: int) -> Iterator[Found]:
    """At most `limit` of them (0: all)."""
    return islice(found, limit) if limit else found


def whoami() -> str:
    """Who is logged in."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return f"uid {os.getuid()}"


@contextmanager
def alone(shop: Workshop, found: Found) -> Iterator[None]:
    """Nobody else is at the task's letters, and this one's range is settled. Raises Conflict."""
    task = address(found.key).task
    with letters.alone(shop.dead, leases(shop), task):
        if found.letter and busy_of(shop, task)(found.letter):
            raise Conflict(_BUSY.format(letters.words(found.key)), version="")
        yield


def choose(shop: Workshop, named: Sequence[str], task: str | None, wanted: Wanted, limit: int) -> dict[str, list[str]]:
    """Keys of open letters by task: those that are named, or those that the filters take."""
    chosen: dict[str, list[str]] = {}
    if named:
        for text in named:
            found = letters.locate(shop.dead, text)
            if address(found.key).state != "open":
                raise ConfigError([f"{text}: is {address(found.key).state} already"], subject="dead letter")
            chosen.setdefault(address(found.key).task, []).append(found.key)
        return chosen
    tasks = [task] if task else list(shop.dead.tasks())
    room = limit or 1 << 62
    with progress("reading", lambda: total(shop, tasks, wanted)) as seen:
        for name in tasks:
            with closing(letters.find(shop.dead, name, wanted, seen=seen)) as found_:
                keys = [one.key for one in islice(found_, room) if one.letter or not wanted.reason]
            room -= len(keys)
            chosen |= {name: keys} if keys else {}
    return chosen


def discard(shop: Workshop, task: str, keys: Sequence[str], closed: Closed) -> int:
    """Discard these letters but those in flight; how many it were."""
    busy = busy_of(shop, task)
    done = 0
    with letters.alone(shop.dead, leases(shop), task) as hold, progress("discarding", lambda: len(keys)) as seen:

        def step(count: int) -> None:
            hold.renew()
            seen(count)

        found = letters.read(shop.dead, keys, step)
        free = (one for one in found if one.letter is None or not busy(one.letter))
        for _ in letters.discard(shop.dead, free, closed):
            done += 1
    return done


def change(found: Found, put: Sequence[str], unset: Sequence[str], *, by: str) -> Edit:
    """The change that options name; without any, what a person makes of the record in an editor."""
    if found.letter is None:
        raise ConfigError([found.problem], subject="dead letter")
    pairs = [text.partition("=") for text in put]
    wrong = [
        f"--set {text!r}: is not NAME=VALUE"
        for text, (name, sign, _) in zip(put, pairs, strict=True)
        if not (name and sign)
    ]
    if wrong:
        raise ConfigError(wrong, subject="edit")
    if put or unset:
        return Edit(by=by, at=int(time.time()), set={name: value for name, _, value in pairs}, unset=tuple(unset))
    if not sys.stdin.isatty():
        raise ConfigError(["no terminal for an editor here: say --set NAME=VALUE or --unset NAME"], subject="edit")
    return difference(
        letters.record_of(found.letter), _in_editor(letters.record_of(found.letter)), by, int(time.time())
    )


def difference(record: Record, wanted: object, by: str, now: int) -> Edit:
    """The change that makes these fields of the record's. ConfigError unless it is an object of texts."""
    if not isinstance(wanted, dict) or not all(isinstance(value, str) for value in wanted.values()):
        raise ConfigError(["expected one JSON object, each value a text in quotes"], subject="edit")
    old = _shown(record)
    put = {name: value for name, value in wanted.items() if old.get(name) != value}
    return Edit(by=by, at=now, set=put, unset=tuple(name for name in old if name not in wanted and name != TIME))


def _in_editor(record: Record) -> object:
    """What a person makes of the record's fields; the file is only theirs to read, and gone afterwards."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        path.write_text(json.dumps(_shown(record), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(path)], check=False)
        except OSError as error:
            raise ConfigError([f"$EDITOR: {command}: {error.strerror}: say --set NAME=VALUE"], subject="edit") from None
        if done.returncode:
            raise ConfigError([f"the editor ended with {done.returncode}: nothing is changed"], subject="edit")
        try:
            return json.loads(path.read_bytes())
        except ValueError as error:
            what = f"what was saved is no JSON ({clean(str(error))}): nothing is changed"
            raise ConfigError([what], subject="edit") from None


def _shown(record: Record) -> dict[str, str]:
    return {TIME: str(record.time)} | {name: str(value) for name, value in record.fields.items()}
