"""Circles on AWS: what rings a function is written by the functions, so that each call makes the next one."""

import re

from logferry_local.deploy_files.deployed import Deployed, referred, substituted
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.nodes import Node, text_of

__all__ = ["bucket_circle", "log_circle", "own_logs", "rule_circle"]


def own_logs(found: list[Deployed]) -> set[str]:
    """The log groups that the functions write."""
    return {group for one in found if (group := _target(one.node.get("LoggingConfig", "LogGroup")))}


def log_circle(properties: Node, groups: set[str], notes: Notes) -> None:
    """A function is rung by what it or another one logs."""
    watched = properties.get("LogGroupName")
    target = _target(watched)
    if watched is not None and target and (target in groups or "/aws/lambda/${AWS::StackName}" in target):
        fix = "Watch another log group: what the function logs would ring it again."
        notes.at(watched, "a log group that no function of this file writes", fix)


def bucket_circle(one: Deployed, properties: Node, notes: Notes) -> None:
    """A notification of S3 for objects that are written there, or that are none of the logs `forward` is for."""
    bucket, prefix = properties.get("Bucket"), ""
    for rule in _rows(properties.get("Filter", "S3Key", "Rules")):
        if text_of(rule.get("Name")) == "prefix":
            prefix = text_of(rule.get("Value")) or ""
    if bucket is not None:
        _written(one, bucket, prefix, notes)


def rule_circle(one: Deployed, properties: Node, notes: Notes) -> None:
    """The same by way of EventBridge."""
    pattern = properties.get("EventPattern") or properties.get("Pattern")
    detail = pattern.get("detail") if pattern is not None else None
    if detail is None:
        return
    prefixes = [text_of(key.get("prefix")) for key in _rows(detail.get("object", "key"))]
    for bucket in _rows(detail.get("bucket", "name")):
        for prefix in prefixes or [""]:
            _written(one, bucket, prefix or "", notes)


def _written(one: Deployed, bucket: Node, prefix: str, notes: Notes) -> None:
    names = ("LOGFERRY_OBJECTS", "LOGFERRY_TASKS") if one.name == "forward" else ("LOGFERRY_OBJECTS",)
    for name in names:
        found = re.match(r"s3:([^/?]*)/?([^?]*)", substituted(one.variables.get(name)) or "")
        if found is None or found[1] != _target(bucket):
            continue
        if found[2].startswith(prefix) or prefix.startswith(found[2]):
            what = "dead letters are written" if name == "LOGFERRY_OBJECTS" else "task files are put"
            notes.at(bucket, f"a place where no {what}", f"Watch another bucket or prefix than {name} names.")


def _rows(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _target(node: Node | None) -> str | None:
    """A resource as it stands in the text of `!Sub`: `!Ref X` and `${X}` are the same."""
    name = referred(node)
    return f"${{{name}}}" if name else substituted(node)
