"""A topic to write: two operations; what logs in is named as the brokers name it."""

from logferry.destinations.kafka.options import Config
from logferry.policies import Grant, Whom
from logferry.task import Task

__all__ = ["grants"]


def grants(_task: Task, options: Config, _whom: Whom) -> list[Grant]:
    """The command that a cluster's administrator runs."""
    auth = options.auth
    user = "ANONYMOUS" if auth is None else "USER" if auth.username.startswith("secret://") else auth.username
    command = (
        f"kafka-acls.sh --bootstrap-server {options.brokers[0]} --add --allow-principal User:{user} "
        f"--operation Write --operation Describe --topic {options.topic}"
    )
    return [Grant(f"ACL to write topic {options.topic}", f"run, as an administrator of the cluster: {command}")]
