"""What a task's user must grant in a cloud's access control: policies as documents, and where to put each.

One file a kind, `sources/<kind>.py` and `destinations/<kind>.py`, found by its name: `grants(Task, options, Whom)`. A
kind without a file needs no grant but its own secrets. Only what delivering needs is in a policy, and on this task's
project, logstore or path alone. `ram` and `iam` write documents as Alibaba Cloud and AWS want them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from logferry import registry
from logferry.kinds import Chosen
from logferry.task import Task

__all__ = ["Grant", "Whom", "of"]


class Whom(NamedTuple):
    """Who delivers, as far as the user said it; what is not known stands in the documents as what to fill in."""

    principal: str = ""  # ARN of an AWS role or user
    account: str = ""  # number of an Alibaba Cloud account


class Grant(NamedTuple):
    """One thing to grant."""

    title: str
    where: str  # what to do with it
    document: Mapping[str, Any] | None = None  # None: `where` says it all


def of(task: Task, whom: Whom = Whom()) -> list[tuple[str, Grant]]:  # noqa: B008  # a constant
    """All grants, each with the side that it is for: `source` or `destination`."""
    return [("source", grant) for grant in _side(task, "sources", task.source, whom)] + [
        ("destination", grant) for grant in _side(task, "destinations", task.destination, whom)
    ]


def _side(task: Task, room: str, chosen: Chosen, whom: Whom) -> list[Grant]:
    if chosen.kind in registry.names(f"policies.{room}"):
        made: list[Grant] = registry.find(f"policies.{room}", chosen.kind).grants(task, chosen.options, whom)
        return made
    where = (
        f"no cloud has to grant anything: who holds the secrets of the task may use it (docs/{room}/{chosen.kind}.md)"
    )
    return [Grant(chosen.kind, where)]
