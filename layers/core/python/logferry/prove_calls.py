"""The call behind `prove_ownership`: a task file was put into the configuration bucket, and is applied.

It goes the same way as `logferry task apply`. A file with mistakes is told in the log and in the answer; what may pass
raises, after the other files had their turn, so that the platform calls again. A delete of a file deletes no task.
"""

import logging

import msgspec

from logferry import apply as applying
from logferry import put_events, task_files
from logferry import task as tasks
from logferry.errors import ConfigError, LogferryError, is_passing, told
from logferry.ownership import location
from logferry.put_events import Put
from logferry.runtime import Call
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_files import TaskFiles
from logferry.task_store import Applied
from logferry.vault import Vault
from logferry.wiring import workshop

__all__ = ["apply_put", "prove"]

log = logging.getLogger(__name__)

_LOOKS = 3  # at a file that changes while it is applied
_PROBLEMS = 50  # told of one file


def prove(call: Call) -> dict[str, object]:
    """Apply each task file that the event tells of; which tasks wait for a proof, and which files are wrong."""
    files, puts = task_files.open_files(call.environ), put_events.parse(call.event)
    table, around = workshop(call.environ).table, Surroundings(call.environ, Vault(call.environ))
    applied: dict[str, object] = {}
    ignored: list[str] = []
    errors: dict[str, str] = {}
    passing: LogferryError | None = None
    for put in puts:
        try:
            done = apply_put(put, files, table, around)
        except LogferryError as error:
            passing = error if is_passing(error) else passing
            errors[put.keys[0][:200]] = told(error)
            _tell(put, error)
            continue
        if done is None:
            ignored.append(put.keys[0][:200])
        else:
            applied[done.name] = {"version": done.version, "changed": done.changed, "state": done.state}
    if passing:
        raise passing
    return {"applied": applied, "ignored": ignored, "errors": errors}


def apply_put(put: Put, files: TaskFiles, table: Table, around: Surroundings) -> Applied | None:
    """What came of one file, None if it is none or gone by now."""
    if not files.is_meant(put):
        return None
    text, done = files.read(put), None
    for _look in range(_LOOKS):
        if text is None:
            break
        task = tasks.parse(text, subject=f"task file {put.keys[0][:80]}")
        now = applying.apply_task(task, table, around)
        done = msgspec.structs.replace(now, changed=now.changed or (done is not None and done.changed))
        _say(task, done)
        # An older event that comes late must not undo a newer file: whoever applied last has looked last.
        before, text = text, files.read(put)
        if text == before:
            break
    return done


def _say(task: Task, done: Applied) -> None:
    facts = {"task": done.name, "version": done.version, "state": done.state}
    if done.state == "pending" and done.proof is not None:
        where = {"way": done.proof.way, "file": location(task, done.proof)}
        log.warning("task waits for the proof of its destination", extra=facts | where)
    else:
        log.info("task applied", extra=facts)


def _tell(put: Put, error: LogferryError) -> None:
    facts: dict[str, object] = {"file": put.keys[0][:200], "reason": told(error)[:2000]}
    if isinstance(error, ConfigError):
        facts |= {"reason": error.subject, "problems": error.problems[:_PROBLEMS]}
    log.log(logging.WARNING if is_passing(error) else logging.ERROR, "task file not applied", extra=facts)
