"""What rings a Lambda function: events of SAM, and CloudFormation's own resources that stand for one."""

from collections.abc import Iterator
from typing import NamedTuple

from logferry_local.deploy_files import sam_events
from logferry_local.deploy_files.circles import bucket_circle, log_circle, own_logs, rule_circle
from logferry_local.deploy_files.code import Code
from logferry_local.deploy_files.deployed import Deployed, folder, referred
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import fit, nearest
from logferry_local.deploy_files.nodes import Node, mapping, text_of

__all__ = ["check"]

_PARTIAL = ("SQS", "Kinesis")  # answered with what failed; without that, one failure repeats all that came with it
_LONGEST_HELD = 43200  # seconds, of a message


class _Bell(NamedTuple):
    kind: str  # as SAM calls it
    one: Deployed
    properties: Node


def check(root: Node, found: list[Deployed], code: Code, notes: Notes) -> None:
    """Everything in the template that rings one of its functions."""
    resources = mapping(root.get("Resources"))
    groups = own_logs(found)
    for bell in (*_events(found, notes), *_resources(resources, found, notes)):
        if bell.kind in _PARTIAL:
            _partial(bell, notes)
            _in_order(bell.properties, notes)
            source = bell.properties.get("Queue") or bell.properties.get("EventSourceArn")
            _visibility(bell.one, resources.get(referred(source) or ""), notes)
        elif bell.kind == "CloudWatchLogs":
            log_circle(bell.properties, groups, notes)
        elif bell.kind == "S3":
            bucket_circle(bell.one, bell.properties, notes)
        elif bell.kind == "EventBridgeRule":
            rule_circle(bell.one, bell.properties, notes)
        elif bell.kind == "Url":
            _anybody(bell.properties.get("AuthType"), bell.one, code, notes)


def _events(found: list[Deployed], notes: Notes) -> Iterator[_Bell]:
    for one in found:
        address = one.node.get("FunctionUrlConfig")
        if address is not None:
            yield _Bell("Url", one, address)
        for event in mapping(one.node.get("Events")).values():
            fit(event, sam_events.Event, notes)
            kind, properties = event.get("Type"), event.get("Properties")
            name = text_of(kind)
            if kind is None or name is None:
                continue
            if name not in sam_events.KINDS:
                near = nearest(name, list(sam_events.KINDS))
                fix = f"Write {near}." if near else "Use one of these."
                notes.at(kind, near or f"one of {', '.join(sam_events.KINDS)}", fix)
            elif properties is None:
                notes.key(event, "Properties", f"the properties of {name}", "Add Properties.", value="missing")
            else:
                fit(properties, sam_events.KINDS[name], notes)
                yield _Bell(name, one, properties)


def _resources(resources: dict[str, Node], found: list[Deployed], notes: Notes) -> Iterator[_Bell]:
    functions = {one.name: one for one in found}
    for resource in resources.values():
        kind, properties = text_of(resource.get("Type")) or "", resource.get("Properties")
        if kind == "AWS::Events::Rule" and properties is not None:
            yield from _rule(properties, functions)
        if kind not in sam_events.RESOURCES or properties is None:
            continue
        fit(properties, sam_events.RESOURCES[kind], notes)
        target = next((node for key in ("FunctionName", "TargetFunctionArn", "DestinationArn")
                       if (node := properties.get(key))), None)  # fmt: skip
        one = functions.get(folder(referred(target) or ""))
        if one is None:
            continue
        if kind == "AWS::Lambda::EventSourceMapping":
            yield _Bell("Kinesis" if properties.get("StartingPosition") else "SQS", one, properties)
        else:
            yield _Bell("Url" if kind == "AWS::Lambda::Url" else "CloudWatchLogs", one, properties)


def _rule(properties: Node, functions: dict[str, Deployed]) -> Iterator[_Bell]:
    targets = properties.get("Targets")
    for target in targets.value if targets is not None and isinstance(targets.value, list) else []:
        one = functions.get(folder(referred(target.get("Arn")) or ""))
        if one is not None:
            yield _Bell("EventBridgeRule", one, properties)


def _partial(bell: _Bell, notes: Notes) -> None:
    if bell.properties.get("FunctionResponseTypes") is None:
        what = (bell.properties.under("FunctionResponseTypes"), "missing")
        fix = "Add FunctionResponseTypes: [ReportBatchItemFailures]."
        place = bell.properties
        notes.add(place.line, place.column, what, "[ReportBatchItemFailures], as the code answers", fix)


def _in_order(properties: Node, notes: Notes) -> None:
    """One batch of a shard at a time: its position is one number, and a later batch would pass for settled."""
    factor, window = properties.get("ParallelizationFactor"), properties.get("TumblingWindowInSeconds")
    if factor is not None and factor.value != 1:
        notes.at(factor, "1: a task has one position a shard", "Write ParallelizationFactor: 1.")
    if window is not None and window.value != 0:
        notes.at(window, "none: the code answers with what failed", "Leave out TumblingWindowInSeconds.")


def _visibility(one: Deployed, queue: Node | None, notes: Notes) -> None:
    """A message that is still worked on must not come again."""
    if queue is None or one.timeout is None or not isinstance(one.timeout.value, int):
        return
    held = queue.get("Properties", "VisibilityTimeout")
    value = held.value if held is not None else 30  # SQS' default
    if isinstance(value, int) and value < one.timeout.value:
        place = held or queue
        expected = f"at least the function's timeout, {one.timeout.value} seconds; AWS advises six times that"
        fix = f"Write VisibilityTimeout: {min(one.timeout.value * 6, _LONGEST_HELD)}."
        notes.add(place.line, place.column, (place.path, f"{value} seconds"), expected, fix)


def _anybody(auth: Node | None, one: Deployed, code: Code, notes: Notes) -> None:
    """Anybody may call only what checks by itself who calls."""
    app = code.apps.get(one.name)
    if app is not None and not app.is_web and auth is not None and text_of(auth) == "NONE":
        notes.at(auth, "AWS_IAM", f"Write AWS_IAM: {one.name} does not check who calls it.")
