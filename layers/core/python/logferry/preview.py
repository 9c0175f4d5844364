"""What applying a task would change, before it does: nothing is written, only the source is asked for its streams."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from logferry import read_quota
from logferry import task as tasks
from logferry.apply import check_beside, source_of
from logferry.errors import ConfigError, LogferryError, told
from logferry.ledger import Ledger
from logferry.ownership import Gate
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import State, Stored, TaskStore

__all__ = ["Change", "Preview", "preview"]


class Change(msgspec.Struct, frozen=True):
    """One key: JSON of what it is and will be; None where it is not given."""

    key: str
    before: str | None
    after: str | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an `apply` would come to."""

    task: str
    what: Literal["new", "changed", "unchanged", "refused"]
    version: int  # that the task would have
    state: State
    proof: bool = False  # whether its destination would have to be proved (again) first
    changes: tuple[Change, ...] = ()
    streams: tuple[str, ...] = ()  # that would get a start position
    problem: str = ""  # why it would be refused
    unasked: str = ""  # why the source could not be asked for its streams
    warnings: tuple[str, ...] = ()


def preview(task: Task, table: Table, around: Surroundings) -> Preview:
    """Compare the task with the stored one. Raises StateError only."""
    store = TaskStore(table, around.clock)
    old, spec = store.find(task.task), tasks.dump(task)
    problem = _refusal(task, old, store, around)
    what: Literal["new", "changed", "unchanged", "refused"] = "changed" if old else "new"
    if old and old.spec == json.loads(msgspec.json.encode(spec)):
        what = "unchanged"
    state = Gate(task, table, around).state(old)
    if old and what == "unchanged":
        state = old.state
    count, streams, unasked = (0, (), "") if problem else _streams(task, table, around)
    return Preview(
        task=task.task, what="refused" if problem else what, problem=problem, state=state,
        version=(old.version if old else 0) + (what != "unchanged"),
        proof=state == "pending" and not (old and old.state == "pending" and what == "unchanged"),
        changes=tuple(_changes(old.spec or {} if old else {}, spec)), streams=streams, unasked=unasked,
        warnings=() if problem else tuple(_quota(task, store, count)),
    )  # fmt: skip


def _refusal(task: Task, old: Stored | None, store: TaskStore, around: Surroundings) -> str:
    try:
        check_beside(store, old, task, around.environ)
    except ConfigError as error:
        return "; ".join(error.problems)
    return ""


def _streams(task: Task, table: Table, around: Surroundings) -> tuple[int, tuple[str, ...], str]:
    """How many streams the source has, which the task does not know, or why that cannot be told."""
    try:
        found = source_of(task, around).streams()
    except LogferryError as error:
        return 0, (), told(error)
    known = {row.stream for row in Ledger(table).rows(task.task)}
    return len(found), tuple(stream.name for stream in found if stream.name not in known), ""


def _quota(task: Task, store: TaskStore, shards: int) -> Iterator[str]:
    """Warnings about the logstore and project of this task, with the other tasks that work there."""
    options = task.source.options
    project, logstore = getattr(options, "project", ""), getattr(options, "logstore", "")
    others = [stored.task() for stored in store.all() if not stored.problem and stored.state != "offline"]
    running = [*(other for other in others if other.task != task.task), task]
    counts = {f"{project}/{logstore}": shards} if shards else {}
    about = (f"logstore {project}/{logstore}:", f"project {project}:")
    yield from (line for line in read_quota.warnings(running, counts) if line.startswith(about))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = dict(_flat(before)), dict(_flat(json.loads(msgspec.json.encode(after))))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield Change(key, old.get(key), new.get(key))


def _flat(spec: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """`destination.s3.bucket` and its value, as JSON. Secrets are references, so nothing is hidden."""
    for name, value in spec.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and value:
            yield from _flat(value, here)
        else:
            yield here, json.dumps(value, ensure_ascii=False)
