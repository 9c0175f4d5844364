"""Delivery tasks in the state table: the truth at run time. Secrets are in here as references only.

Rows: `tasks/<name>` holds the newest version and the state; `task-versions/<name>/<number>` every version before it,
since an open range is finished by the version it began with. A version is copied there before it is replaced, so two
people who apply at once cannot mix up two versions. Every write is conditional; a lost race is read again and retried.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from logferry import kinds, rows
from logferry import task as tasks
from logferry.errors import ConfigError, LogferryError, StateError
from logferry.ownership_row import Proof
from logferry.state import Item, Table
from logferry.task import Task

__all__ = ["SCHEMA", "STATES", "Applied", "Page", "State", "Stored", "TaskStore", "check_input"]

SCHEMA = 1
State = Literal["pending", "online", "offline"]
STATES: tuple[State, ...] = get_args(State)
_PARTITION = "tasks"


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """As it stands in the table."""

    schema: int = SCHEMA
    version: int
    state: State
    spec: dict[str, Any]
    updated: float  # Unix seconds


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = SCHEMA
    spec: dict[str, Any]


class Stored(Struct, frozen=True):
    """One task's row. `problem` says why this release cannot use it (the other tasks are not affected)."""

    name: str
    version: int = 0
    state: State = "offline"
    spec: dict[str, Any] | None = None
    updated: float = 0.0
    problem: str = ""

    def task(self) -> Task:
        """The task itself. Raises ConfigError when this release no longer takes it, StateError when it is too new."""
        if self.problem:
            raise StateError(self.problem)
        return tasks.load(self.spec, subject=f"task {self.name}, version {self.version}", stored=True)


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an `apply` came to."""

    name: str
    version: int
    changed: bool  # False: the very same task is there already
    created: bool = False
    streams: tuple[str, ...] = ()  # those that got a start position
    state: State = "online"
    proof: Proof | None = None  # what a pending task waits for


class Page(Struct, frozen=True):
    """A part of the list of tasks."""

    tasks: list[Stored]
    number: int  # counts from 1
    size: int
    total: int  # of all pages


StateOf = Callable[[Stored | None], State]


class TaskStore:
    """All delivery tasks, over one state table."""

    def __init__(self, table: Table, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def find(self, name: str) -> Stored | None:
        """The task's row, None if there is no such task."""
        item = self._table.get(_PARTITION, name)
        return _decode(item) if item else None

    def get(self, name: str) -> Stored:
        """The task's row; ConfigError that lists the known tasks if there is none, StateError if it is too new."""
        stored = self.find(name)
        if stored is None:
            known = ", ".join(self.names()) or "none"
            raise ConfigError([f"{name!r} is not a task; known: {known}"], subject="task")
        if stored.problem:
            raise StateError(stored.problem)
        return stored

    def all(self) -> list[Stored]:
        """Every task by name, checked; one that this release cannot use is in the list with its `problem`."""
        return [_checked(_decode(item)) for item in self._table.list(_PARTITION)]

    def page(self, number: int = 1, size: int = 20) -> Page:
        """One page of the tasks by name, as `all` has them: 1-500 a page. Only what is on it is looked at closely."""
        if not (number >= 1 and 1 <= size <= 500):
            raise ConfigError([f"page {number} of {size} a page: expected from 1 on, 1-500 a page"], subject="page")
        items, first = self._table.list(_PARTITION), (number - 1) * size
        before = sum(1 for _ in islice(items, first))
        found = [_checked(_decode(item)) for item in islice(items, size)]
        return Page(found, number, size, before + len(found) + sum(1 for _ in items))

    def names(self) -> list[str]:
        """Names of all tasks."""
        return [item.sort for item in self._table.list(_PARTITION)]

    def version(self, name: str, number: int) -> Task:
        """The task as it was at a version; StateError if that version is not known."""
        stored = self.get(name)
        if number == stored.version:
            return stored.task()
        item = self._table.get(_history(name), f"{number:08d}")
        if item is None:
            raise StateError(f"task {name}: version {number} is not known, the newest is {stored.version}")
        what = f"task {name}, version {number}"
        return tasks.load(rows.decode(item, _Version, SCHEMA, what).spec, subject=what, stored=True)

    def apply(self, task: Task, *, state: State | StateOf = "online") -> Applied:
        """Store the task, a changed one as the next version. A new one is in `state`, a changed one stays in its own;
        where `state` is a function, it says for both."""
        spec = tasks.dump(task)
        chosen: StateOf = state if callable(state) else lambda old: old.state if old else state
        result = Applied(name=task.task, version=1, changed=False)

        def change(old: Stored | None) -> Stored | None:
            nonlocal result
            if old is not None and old.spec == spec:
                result = Applied(name=task.task, version=old.version, changed=False, state=old.state)
                return None
            if old is not None:
                check_input(old, task)
                self._keep(old)
            number = old.version + 1 if old else 1
            kept = chosen(old)
            result = Applied(name=task.task, version=number, changed=True, created=old is None, state=kept)
            return Stored(name=task.task, version=number, state=kept, spec=spec, updated=self._clock())

        self._edit(task.task, change)
        return result

    def set_state(self, name: str, state: State) -> bool:
        """Change the state; whether it was another one. ConfigError if there is no such task."""
        return self.turn(name, lambda _old: state)

    def turn(self, name: str, decide: Callable[[Stored], State]) -> bool:
        """As `set_state`, to what `decide` makes of the task as it stands at the moment of writing."""
        changed = False

        def change(old: Stored | None) -> Stored | None:
            nonlocal changed
            state = decide(old) if old else None
            changed = old is not None and old.state != state
            return replace(old, state=state, updated=self._clock()) if old and state and changed else None

        self.get(name)
        self._edit(name, change)
        return changed

    def delete(self, name: str) -> bool:
        """Forget the task and its versions; whether it was there. The row goes last: a delete can be repeated."""
        for item in list(self._table.list(_history(name))):
            rows.edit(self._table, _history(name), item.sort, lambda _old: rows.DELETE)
        return rows.edit(self._table, _PARTITION, name, lambda old: rows.DELETE if old else None)

    def _edit(self, name: str, change: Callable[[Stored | None], Stored | None]) -> None:
        def written(item: Item | None) -> bytes | None:
            old = _decode(item) if item else None
            if old and old.problem:
                raise StateError(old.problem)
            new = change(old)
            return None if new is None else _encode(new)

        rows.edit(self._table, _PARTITION, name, written)

    def _keep(self, old: Stored) -> None:
        body = msgspec.json.encode(_Version(spec=old.spec or {}))
        rows.edit(
            self._table, _history(old.name), f"{old.version:08d}",
            lambda item: None if item and item.value == body else body,
        )  # fmt: skip


def check_input(old: Stored, task: Task) -> None:
    """ConfigError when the task would read other data than `old` did: its positions mean nothing there."""
    if old.problem:
        raise StateError(old.problem)
    before = kinds.place("sources", (old.spec or {})["source"])
    after = kinds.place("sources", task.source)
    if before != after:
        names = ", ".join(name for name in before | after if before.get(name) != after.get(name))
        way = f"give the new task another name, or delete {old.name} first"
        raise ConfigError([f"source: {names} differs from the stored task's: {way}"], subject=f"task {old.name}")


def _decode(item: Item) -> Stored:
    try:
        row = rows.decode(item, _Row, SCHEMA, f"task {item.sort}")
    except StateError as error:
        return Stored(item.sort, problem=str(error))
    return Stored(item.sort, row.version, row.state, row.spec, row.updated)


def _checked(stored: Stored) -> Stored:
    try:
        stored.task()
    except LogferryError as error:
        return replace(stored, problem=str(error))
    return stored


def _encode(stored: Stored) -> bytes:
    return msgspec.json.encode(
        _Row(version=stored.version, state=stored.state, spec=stored.spec or {}, updated=stored.updated)
    )


def _history(name: str) -> str:
    return f"task-versions/{name}"
