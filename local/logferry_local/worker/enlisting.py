"""What the command line names -> tasks in the state table, each with its consumer group.

A word with a dot or a slash is a task file, applied first (applied twice is once). A file may leave out `source`: then
the log store comes from the environment names of the published scripts, `SLS_ENDPOINT`, `SLS_PROJECT`, `SLS_LOGSTORE`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from logferry import documents
from logferry import task as tasks
from logferry.apply import apply_task
from logferry.errors import ConfigError
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import TaskStore
from logferry.vault import Vault

__all__ = ["enlist", "groups", "read"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_PLACE = {"endpoint": "SLS_ENDPOINT", "project": "SLS_PROJECT", "logstore": "SLS_LOGSTORE"}


def enlist(words: Sequence[str], table: Table, environ: Mapping[str, str], *, dry: bool = False) -> list[Task]:
    """The tasks, files applied unless `dry`. ConfigError for what is wrong in a file, or when a name is not known."""
    around = Surroundings(environ, Vault(environ))
    store, found = TaskStore(table, around.clock), list[Task]()
    for word in words:
        if _is_file(word):
            found.append(read(Path(word), environ))
        else:
            found.append(store.get(word).task())
    names = [task.task for task in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError([f"TASK: {name} is named more than once" for name in twice], subject="run")
    for word, task in zip(words, found, strict=True):
        if _is_file(word) and not dry:
            apply_task(task, table, around)
    return found


def read(file: Path, environ: Mapping[str, str]) -> Task:
    """A task file, its source from the environment if it names none."""
    try:
        with file.open("rb") as opened:
            text = opened.read(documents.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror}"], subject=str(file)) from None
    document = documents.read(text, subject=str(file))
    if isinstance(document, Mapping) and "source" not in document:
        missing = [name for name in _PLACE.values() if not environ.get(name)]
        if missing:
            problem = f"source: is missing; write it, or set {' and '.join(missing)} for a log store"
            raise ConfigError([problem], subject=str(file))
        document = {**document, "source": {"sls": {key: environ[name] for key, name in _PLACE.items()}}}
    return tasks.load(document, subject=str(file))


def groups(found: Sequence[Task], given: str, named_by: str) -> dict[str, str]:
    """Each task's consumer group: its own, since a group keeps one checkpoint a shard. `given` is for one task only."""
    if given and len(found) > 1:
        problem = f"{named_by}: {given!r} names one group, but {len(found)} tasks run: leave it out, or run them apart"
        raise ConfigError([problem], subject="run")
    if given and not _NAME.fullmatch(given):
        problem = f"{named_by}: {given[:130]!r} is not a group's name (1-128 letters, digits, _ and -)"
        raise ConfigError([problem], subject="run")
    return {task.task: given or f"logferry-{task.task}" for task in found}


def _is_file(word: str) -> bool:
    return "/" in word or "." in word  # a task's name has neither
