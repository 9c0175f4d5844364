"""A bucket of OSS: put objects below the task's path, nothing else."""

from logferry.buckets.naming import folder
from logferry.buckets.options import Options
from logferry.destinations.oss import Config
from logferry.policies import Grant, Whom, ram
from logferry.task import Task

__all__ = ["grants", "writing"]


def grants(task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the RAM user or role whose key writes."""
    return [writing(task, options, options.region, whom), ram.trust()]


def writing(task: Task, options: Options, region: str, whom: Whom) -> Grant:
    """The policy by which objects are put."""
    path = folder(task.task, options.path)
    below = f"{options.bucket}/{path}/*" if path else f"{options.bucket}/*"
    statements = [(["oss:PutObject"], ram.resource("oss", "", whom.account, below))]
    if options.encryption == "sse_kms":
        key = f"key/{options.kms_key_id or '*'}"
        statements.append((["kms:GenerateDataKey", "kms:Decrypt"], ram.resource("kms", region, whom.account, key)))
    where = "attach it to the RAM user or role whose key writes"
    return Grant(f"RAM policy to put objects into {options.bucket}", where, ram.policy(statements))
