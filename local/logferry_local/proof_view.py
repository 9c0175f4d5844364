"""What a pending task waits for, and what to do, as a person and as a program sees it. The token is not known here."""

import time
from datetime import UTC, datetime
from typing import Any

from logferry.ownership import location
from logferry.ownership_row import Proof, Proofs
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import TaskStore

__all__ = ["facts", "lines", "waiting"]


def facts(task: Task, proof: Proof) -> dict[str, Any]:
    """For programs. `file` is bucket and key."""
    return {
        "way": proof.way, "file": location(task, proof), "attempts_left": proof.left,
        "expires": proof.expires if proof.made else None,
    }  # fmt: skip


def waiting(task: Task, table: Table) -> list[str]:
    """The same for a task as it is stored; nothing if it does not wait."""
    stored, proof = TaskStore(table, time.time).find(task.task), Proofs(table).find(task.task)
    return lines(task, proof) if stored and stored.state == "pending" and proof else []


def lines(task: Task, proof: Proof) -> list[str]:
    """For people: what was placed where, then the command."""
    name = task.task
    if not proof.made:
        return [f"{name}: pending: no token could be placed yet; logferry task challenge {name} tries again"]
    until = datetime.fromtimestamp(proof.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    limits = f"{proof.left} attempt(s), until {until}"
    if proof.way == "echo":
        return [
            f"{name}: pending: the receiver must answer with a nonce",
            f"  logferry task verify {name} --auto: {limits}",
        ]
    if proof.way == "record":
        return [
            f"{name}: pending: a test record was sent, its field token is the token",
            f"  logferry task verify {name} TOKEN: {limits}",
        ]
    return [
        f"{name}: pending: the token is in the file {location(task, proof)}",
        f"  logferry task verify {name} TOKEN, or with --auto: {limits}",
    ]
