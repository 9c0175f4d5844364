"""Records that no destination will take, parked with their reason and their original bytes.

One object a record, `dead/<task>/<state>/<stream>/<begin>/<ordinal>.json`: the key comes from the record's place in
its stream, so that parking it again after a kill overwrites. States: `open`, `replayed`, `discarded`. A letter moves by
being written there before it is deleted here: what a kill left in two states counts as the later one.
"""

import base64
import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from logferry.errors import StateError
from logferry.model import Position
from logferry.objects import Store

__all__ = ["SCHEMA", "STATES", "Closed", "DeadLetter", "DeadLetters", "Edit", "Place", "State",
           "address", "in_state", "key_of"]  # fmt: skip

SCHEMA = 1
State = Literal["open", "replayed", "discarded"]
STATES: tuple[State, ...] = ("open", "replayed", "discarded")
_ROOT = "dead/"


class Place(msgspec.Struct, frozen=True):
    """Where a record stood: its stream, its batch's begin and its ordinal in the batch."""

    stream: str
    begin: Position
    ordinal: int


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A person's change of a record: the original stays as it is, this is made to it each time it is read."""

    by: str
    at: int  # Unix seconds
    set: dict[str, str] = {}
    unset: tuple[str, ...] = ()


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """How a letter came to its end: replayed to a task's destination, or discarded by a person."""

    at: int  # Unix seconds
    by: str = ""
    to: str = ""  # the task to whose destination it went


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parked record. `original` is base64 of the record as its source gave it (SLS: a LogGroup with one log)."""

    schema: int = SCHEMA
    task: str
    task_version: int  # that was refused last
    place: Place
    reason: str  # of the last refusal
    parked_at: int  # Unix seconds
    original: str
    source: str = "sls"  # the kind whose `revive` reads `original`
    attempts: int = 0  # replays that were refused again, since the last edit
    tried_at: int = 0  # Unix seconds of the last of them
    edits: tuple[Edit, ...] = ()
    closed: Closed | None = None

    def bytes(self) -> bytes:
        """The record as it came."""
        return base64.b64decode(self.original)


class DeadLetters:
    """Dead letters of all tasks, over one object store."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock

    def park(
        self, task: str, task_version: int, place: Place, reason: str, original: bytes, *, source: str = "sls"
    ) -> str:
        """Write one; returns its key once it is durable. What a person made of the same record before is kept."""
        key = key_of(task, "open", place)
        body = base64.b64encode(original).decode()
        old = self._readable(key)
        letter = DeadLetter(
            task=task, task_version=task_version, place=place, reason=reason[:500], parked_at=int(self.clock()),
            original=body, source=source, edits=old.edits if old and old.original == body else (),
        )  # fmt: skip
        self.store.put(key, msgspec.json.encode(letter))
        return key

    def get(self, key: str) -> DeadLetter | None:
        """One dead letter by its key. Raises StateError if it is no letter, or one of a newer release."""
        body = self.store.get(key)
        if body is None:
            return None
        try:
            letter = msgspec.json.decode(body, type=DeadLetter)
            letter.bytes()
        except (msgspec.DecodeError, ValueError) as error:
            raise StateError(f"{key}: cannot be read: {error}") from None
        if letter.schema > SCHEMA:
            raise StateError(f"{key}: has schema {letter.schema}, this release knows {SCHEMA}: upgrade logferry here")
        return letter

    def _readable(self, key: str) -> DeadLetter | None:
        try:
            return self.get(key)
        except StateError:
            return None

    def places(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[Place]:
        """Where the parked records of a task stood, without reading them."""
        for key in self.keys(task, state, stream, begin):
            yield address(key).place

    def tasks(self) -> Iterator[str]:
        """Every task that has letters in any state, the deleted ones too: from the keys of all letters, once each."""
        return (task for task, _ in groupby(key.split("/", 2)[1] for key in self.store.list(_ROOT)))

    def counts(self, task: str, stream: str = "") -> dict[str, int]:
        """How many letters there are by state, none of them read; what is in two states counts as the later."""
        each = self.by_stream(task, stream).values()
        return {str(state): sum(found[state] for found in each) for state in STATES}

    def by_stream(self, task: str, stream: str = "") -> dict[str, dict[str, int]]:
        """The same for each stream that has letters."""
        found: dict[str, dict[str, int]] = {}
        none: dict[str, int] = dict.fromkeys(STATES, 0)
        for rest, ranks in self._merged(task, stream):
            of_stream = found.setdefault(unquote(rest.split("/", 1)[0]), none.copy())
            of_stream[STATES[ranks[-1]]] += 1
        return found

    def _merged(self, task: str, stream: str = "") -> Iterator[tuple[str, list[int]]]:
        """Each letter's place as it stands in keys, with the ranks of all states that it is in."""
        marked = (_marked(self.keys(task, state, stream), rank) for rank, state in enumerate(STATES))
        for rest, same in groupby(heapq.merge(*marked), key=lambda one: one[0]):
            yield rest, [rank for _, rank in same]

    def keys(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[str]:
        """Keys of a task's dead letters, narrowed to one stream, or one batch of it."""
        prefix = f"dead/{task}/{state}/"
        if stream:
            prefix += _quote(stream) + "/" + (_quote(begin) + "/" if begin else "")
        return self.store.list(prefix)

    def letters(self, task: str, state: State, stream: str) -> Iterator[DeadLetter]:
        """The dead letters of one stream, each of them read."""
        return (letter for key in self.keys(task, state, stream) if (letter := self.get(key)))

    def write(self, key: str, letter: DeadLetter) -> None:
        """The letter as it is now, in the state that it is in."""
        self.store.put(key, msgspec.json.encode(letter))

    def move(self, key: str, state: State, letter: DeadLetter | None = None) -> None:
        """To another state (as `letter` says, if it is given): written there before it is deleted here."""
        body = self.store.get(key) if letter is None else msgspec.json.encode(letter)
        if body is not None:
            self.store.put(in_state(key, state), body)
            self.store.delete(key)

    def end_moves(self, task: str, pulse: Callable[[], None] = lambda: None) -> int:
        """Delete from `open` what a kill left there though it was in its next state already; how many."""
        done = 0
        for looked, (rest, ranks) in enumerate(self._merged(task)):
            if not looked % 1000:
                pulse()
            if len(ranks) > 1 and ranks[0] == 0:
                self.store.delete(f"{_ROOT}{task}/open/{rest}")
                done += 1
        return done

    def retract(self, task: str, places: Iterable[Place]) -> None:
        """Drop what an interrupted run parked and the one that settled the range did not."""
        for place in places:
            self.store.delete(key_of(task, "open", place))


class Address(msgspec.Struct, frozen=True):
    """What a key says: whose letter, in which state, of which record."""

    task: str
    state: State
    place: Place


def key_of(task: str, state: State, place: Place) -> str:
    """The key of the letter of a record."""
    return f"{_ROOT}{task}/{state}/{_quote(place.stream)}/{_quote(place.begin)}/{place.ordinal:010d}.json"


def address(key: str) -> Address:
    """What the key says. ValueError for a key that is none of ours."""
    root, task, state, stream, begin, name = key.split("/")
    if f"{root}/" != _ROOT or state not in STATES:
        raise ValueError(key)
    return Address(task, state, Place(unquote(stream), unquote(begin), int(name.removesuffix(".json"))))


def in_state(key: str, state: State) -> str:
    """The key of the same letter in another state."""
    head, task, _, rest = key.split("/", 3)
    return f"{head}/{task}/{state}/{rest}"


def _marked(keys: Iterable[str], rank: int) -> Iterator[tuple[str, int]]:
    return ((key.split("/", 3)[3], rank) for key in keys)


def _quote(text: str) -> str:
    """One path part; `.` is quoted too, so that no part is `.` or `..`."""
    return quote(text, safe="").replace(".", "%2E")
