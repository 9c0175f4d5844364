"""Which RAM action each operation of the log service needs, to say so when it is refused.

Source: the service's API reference, "Authentication resources" of each operation. GetCursor, GetCursorTime and PullLogs
share one action.
"""

from collections.abc import Mapping

__all__ = ["ACTIONS", "needs"]

ACTIONS: Mapping[str, str] = {
    "CreateConsumerGroup": "log:CreateConsumerGroup",
    "ListConsumerGroup": "log:ListConsumerGroup",
    "UpdateConsumerGroup": "log:UpdateConsumerGroup",
    "DeleteConsumerGroup": "log:DeleteConsumerGroup",
    "HeartBeat": "log:ConsumerGroupHeartBeat",
    "UpdateCheckPoint": "log:ConsumerGroupUpdateCheckPoint",
    "GetCheckPoint": "log:GetConsumerGroupCheckPoint",
    "PullLogs": "log:GetCursorOrData",
    "GetCursor": "log:GetCursorOrData",
    "GetCursorTime": "log:GetCursorOrData",
    "PutLogs": "log:PostLogStoreLogs",
    "ListShards": "log:ListShards",
    "SplitShard": "log:SplitShard",
    "MergeShards": "log:MergeShards",
    "GetLogstore": "log:GetLogStore",
    "ListLogstores": "log:ListLogStores",
    "CreateLogstore": "log:CreateLogStore",
    "DeleteLogstore": "log:DeleteLogStore",
    "GetProject": "log:GetProject",
    "ListProject": "log:ListProject",
    "CreateProject": "log:CreateProject",
    "DeleteProject": "log:DeleteProject",
    "GetIndex": "log:GetIndex",
    "CreateIndex": "log:CreateIndex",
    "DeleteIndex": "log:DeleteIndex",
}


def needs(operation: str) -> str:
    """Advice for an operation that was refused (its name is the first word); "" for an unknown one."""
    name = operation.partition(" ")[0]
    return f"; {name} needs the action {ACTIONS[name]}" if name in ACTIONS else ""
