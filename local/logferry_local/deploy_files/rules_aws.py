"""What only `template.yaml` can have wrong, beyond its keys: layers, events, addresses anybody may call, circles."""

import re

from logferry_local.deploy_files import sam, sam_events
from logferry_local.deploy_files.code import Code
from logferry_local.deploy_files.deployed import Deployed, referred, substituted
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import fit, nearest
from logferry_local.deploy_files.nodes import Node, mapping, text_of

__all__ = ["check"]

_PARTIAL = ("SQS", "Kinesis")  # answered with what failed; without that, one failure repeats all that came with it


def check(root: Node, found: list[Deployed], code: Code, notes: Notes) -> None:
    """Every function and layer of the template."""
    resources = mapping(root.get("Resources"))
    for resource in resources.values():
        kind, properties = text_of(resource.get("Type")), resource.get("Properties")
        if kind == sam.FUNCTION and properties is not None:
            fit(properties, sam.FunctionProperties, notes)
        elif kind == sam.LAYER and properties is not None:
            fit(properties, sam.LayerProperties, notes)
            _layer(properties, code, notes)
    names: dict[str, Node] = {}
    for one in found:
        name = one.node.get("FunctionName")
        text = substituted(name)
        if name is not None and text is not None and names.setdefault(text, name) is not name:
            fix = f"Give it another name: line {names[text].line} has this one."
            notes.at(name, "a name that no other function has", fix)
        for event in mapping(one.node.get("Events")).values():
            _event(event, one, resources, notes)
        _anybody(root, one, code, notes)
    _circles(found, notes)


def _layer(properties: Node, code: Code, notes: Notes) -> None:
    content = properties.get("ContentUri")
    built = [f"dist/{name}.zip" for name in code.packages if name.startswith("layer-")]
    if content is not None and isinstance(content.value, str) and content.value not in built:
        near = nearest(content.value, built)
        notes.at(content, near or f"one of {', '.join(built)}", f"Write {near}." if near else "Name a built layer.")


def _event(event: Node, one: Deployed, resources: dict[str, Node], notes: Notes) -> None:
    fit(event, sam_events.Event, notes)
    kind, properties = event.get("Type"), event.get("Properties")
    name = text_of(kind)
    if kind is None or name is None:
        return
    if name not in sam_events.KINDS:
        near = nearest(name, list(sam_events.KINDS))
        fix = f"Write {near}." if near else "Use one of these, or ask for more."
        notes.at(kind, f"one of {', '.join(sam_events.KINDS)}", fix)
        return
    if properties is None:
        notes.key(event, "Properties", f"the properties of {name}", "Add Properties.", value="missing")
        return
    fit(properties, sam_events.KINDS[name], notes)
    if name in _PARTIAL and properties.get("FunctionResponseTypes") is None:
        what = (properties.under("FunctionResponseTypes"), "missing")
        fix = "Add FunctionResponseTypes: [ReportBatchItemFailures]."
        notes.add(properties.line, properties.column, what, "[ReportBatchItemFailures], as the code answers", fix)
    if name == "SQS":
        _visibility(one, resources.get(referred(properties.get("Queue")) or ""), notes)


def _visibility(one: Deployed, queue: Node | None, notes: Notes) -> None:
    """A message that is still worked on must not come again."""
    if queue is None or one.timeout is None or not isinstance(one.timeout.value, int):
        return
    held = queue.get("Properties", "VisibilityTimeout")
    value = held.value if held is not None else 30  # SQS' default
    if isinstance(value, int) and value < one.timeout.value:
        place = held or queue
        wanted = one.timeout.value * 6
        what = (place.path, f"{value} seconds")
        expected = f"at least the function's timeout, {one.timeout.value} seconds; AWS advises six times that"
        notes.add(place.line, place.column, what, expected, f"Write VisibilityTimeout: {min(wanted, 43200)}.")


def _anybody(root: Node, one: Deployed, code: Code, notes: Notes) -> None:
    """Anybody may call only what checks by itself who calls."""
    app = code.apps.get(one.name)
    shared = root.get("Globals", "Function", "FunctionUrlConfig", "AuthType")
    auth = one.node.get("FunctionUrlConfig", "AuthType") or shared
    if app is not None and not app.is_web and text_of(auth) == "NONE" and auth is not None:
        notes.at(auth, "AWS_IAM", f"Write AWS_IAM: {one.name} does not check who calls it.")


def _circles(found: list[Deployed], notes: Notes) -> None:
    """An event that is rung by what a function writes."""
    groups = {group for one in found if (group := _target(one.node.get("LoggingConfig", "LogGroup")))}
    for one in found:
        for event in mapping(one.node.get("Events")).values():
            kind = text_of(event.get("Type"))
            if kind == "CloudWatchLogs":
                watched = event.get("Properties", "LogGroupName")
                target = _target(watched)
                if watched is not None and target and (target in groups or "/aws/lambda/${AWS::StackName}" in target):
                    fix = "Watch another log group: what the function logs would ring it again."
                    notes.at(watched, "a log group that no function of this file writes", fix)
            elif kind == "S3":
                _bucket_circle(one, event, notes)


def _bucket_circle(one: Deployed, event: Node, notes: Notes) -> None:
    bucket = event.get("Properties", "Bucket")
    names = ("LOGFERRY_OBJECTS", "LOGFERRY_TASKS") if one.name == "forward" else ("LOGFERRY_OBJECTS",)
    watched = _prefix(event)
    for name in names:
        found = re.match(r"s3:([^/?]*)/?([^?]*)", substituted(one.variables.get(name)) or "")
        if bucket is None or found is None or found[1] != _target(bucket):
            continue
        if found[2].startswith(watched) or watched.startswith(found[2]):
            what = "dead letters are written" if name == "LOGFERRY_OBJECTS" else "task files are put"
            notes.at(bucket, f"a place where no {what}", f"Watch another bucket or prefix than {name} names.")


def _prefix(event: Node) -> str:
    rules = event.get("Properties", "Filter", "S3Key", "Rules")
    for rule in rules.value if rules is not None and isinstance(rules.value, list) else []:
        if text_of(rule.get("Name")) == "prefix":
            return text_of(rule.get("Value")) or ""
    return ""


def _target(node: Node | None) -> str | None:
    """A resource as it stands in the text of `!Sub`: `!Ref X` and `${X}` are the same."""
    name = referred(node)
    return f"${{{name}}}" if name else substituted(node)
