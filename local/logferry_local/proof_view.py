"""What a pending task waits for, and what to do, as a person and as a program sees it. The token is not known here."""

from datetime import UTC, datetime
from typing import Any

from logferry.ownership import location
from logferry.ownership_row import Proof
from logferry.task import Task

__all__ = ["facts", "lines"]


def facts(task: Task, proof: Proof) -> dict[str, Any]:
    """For programs. `file` is bucket and key."""
    return {
        "way": proof.way, "file": location(task, proof), "attempts_left": proof.left,
        "expires": proof.expires if proof.made else None,
    }  # fmt: skip


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
