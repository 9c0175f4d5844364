"""Records that no destination will take, parked with their reason and their original bytes.

One object a record, `dead/<task>/<state>/<stream>/<begin>/<ordinal>.json`: the key comes from the record's place in
its stream, so that parking it again after a kill overwrites. States: `open`, `replayed`, `discarded`.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from logferry.model import Position
from logferry.objects import Store

__all__ = ["STATES", "DeadLetter", "DeadLetters", "Place", "State"]

State = Literal["open", "replayed", "discarded"]
STATES: tuple[State, ...] = ("open", "replayed", "discarded")


class Place(msgspec.Struct, frozen=True):
    """Where a record stood: its stream, its batch's begin and its ordinal in the batch."""

    stream: str
    begin: Position
    ordinal: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One parked record. `original` is base64 of the record as its source gave it (SLS: a LogGroup with one log)."""

    schema: int = 1
    task: str
    task_version: int
    place: Place
    reason: str
    parked_at: int  # Unix seconds
    original: str

    def bytes(self) -> bytes:
        """The record as it came."""
        return base64.b64decode(self.original)


class DeadLetters:
    """Dead letters of all tasks, over one object store."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def park(self, task: str, task_version: int, place: Place, reason: str, original: bytes) -> str:
        """Write one; returns its key once it is durable."""
        letter = DeadLetter(
            task=task, task_version=task_version, place=place, reason=reason[:500],
            parked_at=int(self._clock()), original=base64.b64encode(original).decode(),
        )  # fmt: skip
        key = _key(task, "open", place)
        self._store.put(key, msgspec.json.encode(letter))
        return key

    def get(self, key: str) -> DeadLetter | None:
        """One dead letter by its key."""
        body = self._store.get(key)
        return msgspec.json.decode(body, type=DeadLetter) if body is not None else None

    def places(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[Place]:
        """Where the parked records of a task stood, without reading them."""
        for key in self.keys(task, state, stream, begin):
            *_, of_stream, of_begin, name = key.split("/")
            yield Place(unquote(of_stream), unquote(of_begin), int(name.removesuffix(".json")))

    def keys(self, task: str, state: State, stream: str = "", begin: Position = "") -> Iterator[str]:
        """Keys of a task's dead letters, narrowed to one stream, or one batch of it."""
        prefix = f"dead/{task}/{state}/"
        if stream:
            prefix += _quote(stream) + "/" + (_quote(begin) + "/" if begin else "")
        return self._store.list(prefix)

    def letters(self, task: str, state: State, stream: str) -> Iterator[DeadLetter]:
        """The dead letters of one stream, each of them read."""
        return (letter for key in self.keys(task, state, stream) if (letter := self.get(key)))

    def move(self, key: str, state: State) -> None:
        """To another state: written there before it is deleted here."""
        body = self._store.get(key)
        if body is None:
            return
        head, task, _, rest = key.split("/", 3)
        self._store.put(f"{head}/{task}/{state}/{rest}", body)
        self._store.delete(key)

    def retract(self, task: str, places: Iterable[Place]) -> None:
        """Drop what an interrupted run parked and the one that settled the range did not."""
        for place in places:
            self._store.delete(_key(task, "open", place))


def _key(task: str, state: State, place: Place) -> str:
    return f"dead/{task}/{state}/{_quote(place.stream)}/{_quote(place.begin)}/{place.ordinal:010d}.json"


def _quote(text: str) -> str:
    """One path part; `.` is quoted too, so that no part is `.` or `..`."""
    return quote(text, safe="").replace(".", "%2E")
