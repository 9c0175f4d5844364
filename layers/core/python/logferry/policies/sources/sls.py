"""A logstore to read: cursors, data, shards, its settings; for workers, consumer groups too."""

from logferry.policies import Grant, Whom, ram
from logferry.sls.actions import ACTIONS
from logferry.sls.endpoint import Endpoint
from logferry.sources.sls import Config
from logferry.task import Task

__all__ = ["grants"]

_READING = ("ListShards", "PullLogs", "GetLogstore")  # cursors share the action of pulls
_SHARING = (
    "CreateConsumerGroup", "ListConsumerGroup", "UpdateConsumerGroup", "HeartBeat", "UpdateCheckPoint", "GetCheckPoint",
)  # fmt: skip


def grants(_task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the RAM user or role whose key reads."""
    region = options.region or Endpoint.parse(options.endpoint).region
    here = ram.logstore(region, whom.account, options.project, options.logstore)
    reading = ram.policy([([ACTIONS[name] for name in _READING], here)])
    sharing = ram.policy([([ACTIONS[name] for name in _SHARING], f"{here}/consumergroup/*")])
    name = f"{options.project}/{options.logstore}"
    return [
        Grant(f"RAM policy to read {name}", "attach it to the RAM user or role whose key reads", reading),
        Grant(
            f"RAM policy of workers on {name}",
            "beside the other one, only where `logferry run` shares the shards among workers",
            sharing,
        ),
        ram.trust(),
    ]
