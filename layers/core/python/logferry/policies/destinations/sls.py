"""A logstore to write: one action, and one to look whether it is there."""

from logferry.destinations.sls import Config
from logferry.policies import Grant, Whom, ram
from logferry.sls.actions import ACTIONS
from logferry.task import Task

__all__ = ["grants"]


def grants(_task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the RAM user or role whose key writes."""
    region = options.region or options.address.region
    here = ram.logstore(region, whom.account, options.project, options.logstore)
    writing = ram.policy([([ACTIONS["PutLogs"], ACTIONS["GetLogstore"]], here)])
    where = (
        "attach it to the RAM user or role whose key writes; without log:GetLogStore everything is delivered all the "
        "same, but check cannot say that the logstore is missing"
    )
    return [Grant(f"RAM policy to write {options.project}/{options.logstore}", where, writing), ram.trust()]
