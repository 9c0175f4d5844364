"""The least RAM policy that lets a worker read its log stores. Which action each call needs: API reference of the
Simple Log Service, "Actions and resources"; a policy is JSON for the console's script editor."""

from collections.abc import Mapping, Sequence

from logferry import kinds
from logferry.errors import ConfigError
from logferry.task import Task

__all__ = ["policy"]

_LOGSTORE = ("log:GetCursorOrData", "log:ListShards", "log:GetLogStore", "log:ListConsumerGroup")
_GROUP = (
    "log:CreateConsumerGroup", "log:UpdateConsumerGroup", "log:ConsumerGroupHeartBeat",
    "log:ConsumerGroupUpdateCheckPoint", "log:GetConsumerGroupCheckPoint",
)  # fmt: skip


def policy(found: Sequence[Task], groups: Mapping[str, str]) -> dict[str, object]:
    """The policy for these tasks in these consumer groups."""
    statements: list[dict[str, object]] = []
    for task in found:
        place = kinds.place("sources", task.source)
        if place.get("kind") != "sls":
            raise ConfigError([f"source: {task.source.kind} is not read with a RAM policy"], subject=task.task)
        store = f"acs:log:*:*:project/{place['project']}/logstore/{place['logstore']}"
        group = f"{store}/consumergroup/{groups[task.task]}"
        for actions, resources in ((_LOGSTORE, [store, f"{store}/*"]), (_GROUP, [group])):
            statement: dict[str, object] = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
            if statement not in statements:
                statements.append(statement)
    return {"Version": "1", "Statement": statements}
