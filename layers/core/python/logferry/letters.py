"""Dead letters as a person, or a replay, works with them: found, read as records, edited, discarded.

Letters are read in groups, several at once (an object store answers each in tens of milliseconds); at most one group
is in memory. Whoever changes letters of a task holds the task's desk (`letter_lease`): one at a time.
"""

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import msgspec

from logferry import registry
from logferry.dead_letters import STATES, Closed, DeadLetter, DeadLetters, Edit, State, address
from logferry.errors import ConfigError, LogferryError
from logferry.letter_lease import Hold, LetterLeases
from logferry.model import Record

__all__ = [
    "TIME",
    "Found",
    "Wanted",
    "alone",
    "discard",
    "edit",
    "find",
    "locate",
    "read",
    "reason_class",
    "record_of",
    "words",
]

TIME = "__time__"  # stands for the record's time (Unix seconds) in an edit
_GROUP = 32  # letters read at once: a letter may be megabytes
_THREADS = 8
_FORM = "a key, or TASK/STREAM/BEGIN/ORDINAL as `logferry dead list --each` prints it"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters of a task."""

    stream: str = ""
    reason: str = ""  # a part of the reason, capital or small
    since: float = 0  # parked then or later (Unix seconds)

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter is one of them (its stream is looked at in the key)."""
        return letter.parked_at >= self.since and self.reason.lower() in letter.reason.lower()


@dataclass(frozen=True, slots=True)
class Found:
    """A letter, or why it cannot be read."""

    key: str
    letter: DeadLetter | None
    problem: str = ""


@contextmanager
def alone(dead: DeadLetters, leases: LetterLeases, task: str) -> Iterator[Hold]:
    """Nobody else changes the task's letters, and what somebody began who was killed is ended. Raises Conflict."""
    with leases.held(task) as hold:
        if hold.resumed:
            dead.end_moves(task, hold.renew)
        yield hold


def find(
    dead: DeadLetters, task: str, wanted: Wanted, state: State = "open", seen: Callable[[int], None] = lambda _n: None
) -> Generator[Found]:
    """The wanted letters by their places, and all that cannot be read; `seen` hears how many were looked at."""
    for found in read(dead, dead.keys(task, state, wanted.stream), seen):
        if found.problem or (found.letter and wanted.takes(found.letter)):
            yield found


def read(dead: DeadLetters, keys: Iterable[str], seen: Callable[[int], None] = lambda _n: None) -> Generator[Found]:
    """The letters of these keys, in their order; `seen` hears how many more have been read."""
    left = iter(keys)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="letters") as threads:
        while group := list(islice(left, _GROUP)):
            yield from (one for one in threads.map(lambda key: _read(dead, key), group) if one.problem or one.letter)
            seen(len(group))


def locate(dead: DeadLetters, text: str) -> Found:
    """The letter that a person names by key or place, in whichever state. ConfigError if there is none."""
    body = text.removeprefix("dead/").removesuffix(".json").split("/")
    if len(body) == 5 and body[1] in STATES:
        del body[1]
    if len(body) != 4 or not body[3].isdecimal():
        raise ConfigError([f"{text!r} is not {_FORM}"], subject="dead letter")
    task, stream, begin, ordinal = body
    for state in STATES:
        key = f"dead/{task}/{state}/{stream}/{begin}/{int(ordinal):010d}.json"
        found = _read(dead, key)
        if found.problem or found.letter:
            return found
    raise ConfigError(
        [f"{text!r}: no such letter: logferry dead list --each shows what there is"], subject="dead letter"
    )


def words(key: str) -> str:
    """The place of a letter as a person names it: its key without the state."""
    _, task, _, stream, begin, name = key.split("/")
    return f"{task}/{stream}/{begin}/{int(name.removesuffix('.json'))}"


def record_of(letter: DeadLetter, *, edited: bool = True) -> Record:
    """The record as it came, with what was edited. Raises SourceError, ConfigError."""
    record: Record = registry.find("sources", letter.source).revive(letter.bytes())
    for change in letter.edits if edited else ():
        record = _changed(record, change)
    return record


def edit(dead: DeadLetters, key: str, change: Edit) -> DeadLetter:
    """Add a change to an open letter; the original stays. Its attempts count anew. ConfigError for what cannot be."""
    letter = dead.get(key)
    if letter is None or address(key).state != "open":
        raise ConfigError([f"{words(key)} is not open any more: only open letters are edited"], subject="dead letter")
    known = record_of(letter).fields
    problems = [f"--unset {name}: the record has no such field" for name in change.unset if name not in known]
    time = change.set.get(TIME)
    if time is not None and not (time.isdecimal() and int(time) < 1 << 32):
        problems.append(f"{TIME}: {time!r} is not Unix seconds between 0 and {(1 << 32) - 1}")
    if problems or not (change.set or change.unset):
        raise ConfigError(problems or ["nothing is changed"], subject="edit")
    letter = msgspec.structs.replace(letter, edits=(*letter.edits, change), attempts=0, tried_at=0)
    dead.write(key, letter)
    return letter


def discard(dead: DeadLetters, found: Iterable[Found], closed: Closed) -> Iterator[str]:
    """Move each letter to `discarded`, with who and when; one that cannot be read is moved as it is. Their keys."""

    def give_up(one: Found) -> str:
        dead.move(one.key, "discarded", msgspec.structs.replace(one.letter, closed=closed) if one.letter else None)
        return one.key

    left = iter(found)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="letters") as threads:
        while group := list(islice(left, _GROUP)):
            yield from threads.map(give_up, group)


def reason_class(reason: str) -> str:
    """The reason without its numbers, but for a status or code, to count alike what is alike."""
    return re.sub(r"(?<!HTTP )(?<!code )(?<!\d)\d+", "#", reason)[:120]


def _read(dead: DeadLetters, key: str) -> Found:
    try:
        return Found(key, dead.get(key))
    except LogferryError as error:
        return Found(key, None, str(error))


def _changed(record: Record, change: Edit) -> Record:
    fields = {name: value for name, value in record.fields.items() if name not in change.unset}
    fields |= {name: value for name, value in change.set.items() if name != TIME}
    time, nanos = (int(change.set[TIME]), 0) if TIME in change.set else (record.time, record.nanos)
    return Record(record.ordinal, time, nanos, fields, record.raw)
