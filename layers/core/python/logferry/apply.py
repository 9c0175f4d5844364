"""Put a task to work, and take it away: the one way in, for the command line and for a put into a bucket alike.

`LOGFERRY_MAX_TASKS` (default: no limit) is how many tasks there may be; two that are made at the same moment may
both find room for one.
"""

from collections.abc import Callable, Mapping

import msgspec

from logferry import kinds, objects, positions, registry
from logferry import task as tasks
from logferry.backfills import Runs
from logferry.buckets import naming
from logferry.errand_rows import Errands
from logferry.errors import ConfigError, Conflict, DeliveryError
from logferry.health import Holds
from logferry.ledger import Ledger
from logferry.ownership import Gate
from logferry.ownership_row import Proof, Proofs
from logferry.sources import Source, Surroundings
from logferry.spill_store import SpillStore
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import Applied, Stored, TaskStore, check_input

__all__ = ["apply", "apply_task", "check_beside", "delete", "most_tasks", "source_of"]

_ATTEMPTS = 5  # of forgetting rows that somebody is still writing


def source_of(task: Task, around: Surroundings) -> Source:
    """The task's source, built."""
    made: Source = registry.find("sources", task.source.kind).build(task.source.options, around)
    return made


def apply(text: str | bytes, table: Table, around: Surroundings, *, subject: str = "task") -> Applied:
    """Check a task file, write the start of each stream it does not know yet, store it. Twice the same is once."""
    return apply_task(tasks.parse(text, subject=subject), table, around)


def apply_task(task: Task, table: Table, around: Surroundings) -> Applied:
    """As `apply`, for a checked task. Positions first: a stored task that has none could lose its `start`.

    A task whose destination is to be proved is stored as `pending`, then its token is placed; if that fails, the
    error says so, and the same apply tries it again.
    """
    store = TaskStore(table, around.clock)
    old = store.find(task.task)
    check_beside(store, old, task, around.environ)
    gate = Gate(task, table, around)
    gate.want(old)
    start = None if old else tasks.start_of(task)
    streams = positions.begin(task.task, source_of(task, around), Ledger(table), start, around.clock())
    applied = store.apply(task, state=gate.state)
    if applied.changed:
        # What was wrong may be put right by now: the next run finds out, and holds the task again if not.
        Holds(table).release(task.task)
    state = gate.open() if applied.state == "pending" else applied.state
    proof = _challenged(gate) if state == "pending" else None
    return msgspec.structs.replace(applied, streams=streams, state=state or applied.state, proof=proof)


def delete(name: str, table: Table, clock: Callable[[], float], spills: SpillStore | None = None) -> None:
    """Forget a task, its positions, its ledger, its backfill runs and what it spilled; ConfigError if there is none.

    Dead letters stay: they are data.

    It is paused first and its own row goes last, so that a delete which was cut short can be repeated. A run that is
    under way finds its row gone at the next save, and stops.
    """
    store, ledger, runs = TaskStore(table, clock), Ledger(table), Runs(table)
    store.get(name)
    # One that is pending stays so: cut short here and resumed, it must not deliver without its proof.
    store.turn(name, lambda old: "pending" if old.state == "pending" else "offline")
    Errands(table, name).forget()
    for book in (ledger, *(ledger.of_run(run.run) for run in runs.all(name))):
        _forget(book, name)
    runs.delete(name)
    if spills:
        spills.forget(name)
    Holds(table).release(name)
    Proofs(table).delete(name)
    store.delete(name)


def check_beside(store: TaskStore, old: Stored | None, task: Task, environ: Mapping[str, str]) -> None:
    """ConfigError if the task does not go together with what is stored: its own version `old`, and the other tasks."""
    if old is None:
        _check_room(store, task.task, environ)
    else:
        check_input(old, task)
    _check_rivals(store, task)
    _check_loop(task, environ)


def _check_room(store: TaskStore, name: str, environ: Mapping[str, str]) -> None:
    """ConfigError if there are as many tasks already as the environment allows."""
    most = most_tasks(environ)
    if most is None:
        return
    there = len(store.names())
    if there >= most:
        problem = f"there are {there} tasks, LOGFERRY_MAX_TASKS allows {most}: delete one, or raise the limit"
        raise ConfigError([problem], subject=f"task {name}")


def most_tasks(environ: Mapping[str, str]) -> int | None:
    """How many tasks there may be, None for any number; ConfigError for a value that is no number."""
    text = environ.get("LOGFERRY_MAX_TASKS") or ""
    if text and not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ConfigError([f"LOGFERRY_MAX_TASKS: {text!r} is not a number of tasks"], subject="environment")
    return int(text) if text else None


def _check_rivals(store: TaskStore, task: Task) -> None:
    """ConfigError if what is sent to the task could be meant for another one: only one of them would get it."""
    rivals = getattr(registry.find("sources", task.source.kind), "rivals", None)
    if rivals is None:
        return
    for stored in store.all():
        if stored.name == task.task or stored.problem or stored.task().source.kind != task.source.kind:
            continue
        why = rivals(task.source.options, stored.task().source.options)
        if why:
            raise ConfigError(
                [f"source.{task.source.kind}: task {stored.name} is there: {why}"], subject=f"task {task.task}"
            )


def _check_loop(task: Task, environ: Mapping[str, str]) -> None:
    """ConfigError if what the task delivers, or what is parked, would come back to it through its own source."""
    feeds = getattr(registry.find("sources", task.source.kind), "feeds", None)
    if feeds is None:
        return
    to = kinds.place("destinations", task.destination)
    written = [
        ("destination", str(to["kind"]), str(to.get("bucket")), naming.folder(task.task, str(to.get("path") or "")))
    ]
    kept = environ.get("LOGFERRY_OBJECTS") or "folder:.logferry/objects"
    written.append(("LOGFERRY_OBJECTS", kept.partition(":")[0], *objects.named(kept)))
    for what, kind, bucket, folder in written:
        why = feeds(task.source.options, kind, bucket, folder)
        if why:
            raise ConfigError([f"source.{task.source.kind}: {what}: {why}"], subject=f"task {task.task}")


def _challenged(gate: Gate) -> Proof:
    try:
        return gate.challenge()
    except DeliveryError as error:
        # The same error to the caller: it says whether to try again.
        error.args = (f"stored, but it stays pending: its token cannot be placed: {error}",)
        raise


def _forget(book: Ledger, name: str) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            book.delete(name)
            break
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
