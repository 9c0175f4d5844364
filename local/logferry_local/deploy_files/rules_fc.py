"""What only `s.yaml` can have wrong, beyond its keys: shares of CPU, names given twice, triggers, circles.

Source of the ratio: help.aliyun.com, Function Compute 3.0, "Instance types and specifications" (vCPU to GB 1:1 to 1:4).
"""

import json
import math
from collections.abc import Iterator

from logferry.errors import ConfigError
from logferry_local.deploy_files.code import Code
from logferry_local.deploy_files.deployed import Deployed, substituted
from logferry_local.deploy_files.fc3_triggers import KINDS, WITH_SOURCE, TriggerDocument
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import fit
from logferry_local.deploy_files.nodes import Node, text_of
from logferry_local.trigger_runner import schedule

__all__ = ["check"]


def check(found: list[Deployed], code: Code, notes: Notes) -> None:
    """Every function of the file."""
    names: dict[str, Node] = {}
    for one in found:
        _ratio(one, notes)
        _once(one.node.get("functionName"), names, "a name that no other function has", notes)
        triggers: dict[str, Node] = {}
        for trigger in _rows(one.node.get("triggers")):
            _once(trigger.get("triggerName"), triggers, "a name that no other trigger of the function has", notes)
            _trigger(trigger, one, code, notes)
    _circles(found, notes)


def _rows(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _once(node: Node | None, seen: dict[str, Node], expected: str, notes: Notes) -> None:
    name = text_of(node)
    if node is None or name is None:
        return
    first = seen.setdefault(name, node)
    if first is not node:
        notes.at(node, expected, f"Give it another name: line {first.line} has this one.")


def _ratio(one: Deployed, notes: Notes) -> None:
    memory, cpu = one.memory, one.node.get("cpu")
    share = cpu.value if cpu is not None else 0.35  # fc3's own default
    if memory is None or not isinstance(memory.value, int) or not 128 <= memory.value <= 32768 or memory.value % 64:
        return  # told already
    if isinstance(share, bool) or not isinstance(share, int | float):
        return
    if not 0.05 <= share <= 16 or 1 <= memory.value / 1024 / share <= 4:
        return
    low, high = math.ceil(memory.value / 4096 * 20) / 20, math.floor(memory.value / 1024 * 20) / 20  # in steps of 0.05
    value = f"{share:g} vCPU with {memory.value} MB"
    fix = f"Write cpu {low:g} to {max(low, high):g}, or other memory."
    notes.at(cpu or memory, "1 to 4 GB a vCPU", fix, value=value)


def _trigger(trigger: Node, one: Deployed, code: Code, notes: Notes) -> None:
    fit(trigger, TriggerDocument, notes)
    kind, config = text_of(trigger.get("triggerType")) or "", trigger.get("triggerConfig")
    if kind not in KINDS or config is None:
        return
    fit(config, KINDS[kind], notes)
    for key in ("sourceArn", "invocationRole"):
        given = trigger.get(key)
        if kind in WITH_SOURCE and (given is None or given.value == ""):
            form = WITH_SOURCE[kind] if key == "sourceArn" else "acs:ram::ACCOUNT:role/NAME"
            place = given or trigger
            what = (trigger.under(key), "empty" if given else "missing")
            notes.add(place.line, place.column, what, f"{form}, as a trigger of type {kind} has", f"Add {key}: {form}.")
        elif given is not None and kind in ("timer", "http"):
            notes.key(trigger, key, f"no {key}: a trigger of type {kind} has none", "Take it out.")
    cron, pattern = config.get("cronExpression"), config.get("eventRuleFilterPattern")
    if kind == "timer" and cron is not None and text_of(cron):
        try:
            schedule.after(text_of(cron) or "")(0.0)
        except (ConfigError, OverflowError, ValueError):
            notes.at(cron, "@every 5m, or six fields: second minute hour day month weekday", 'Write "@every 5m", say.')
    if kind == "eventbridge" and pattern is not None and text_of(pattern) is not None and not _is_json(pattern):
        notes.at(pattern, "a JSON object, as text", "Write it as JSON in quotes, such as '{}'.")
    if kind == "http":
        _caller(config, one, code, notes)


def _is_json(node: Node) -> bool:
    try:
        return isinstance(json.loads(text_of(node) or ""), dict)
    except (ValueError, RecursionError):
        return False


def _caller(config: Node, one: Deployed, code: Code, notes: Notes) -> None:
    """Anybody may call only what checks by itself who calls, and only such a function can answer HTTP."""
    auth, app = config.get("authType"), code.apps.get(one.name)
    if app is None or auth is None:
        return
    if text_of(auth) == "anonymous" and not app.is_web:
        fix = f"Write function: {one.name} does not check who calls it."
        notes.at(auth, "function or jwt", fix)


def _circles(found: list[Deployed], notes: Notes) -> None:
    """A trigger that is rung by what its function writes."""
    logs = {place for one in found if (place := _logstore(one.node.get("logConfig")))}
    for one in found:
        for trigger in _rows(one.node.get("triggers")):
            kind = text_of(trigger.get("triggerType"))
            source, config = text_of(trigger.get("sourceArn")) or "", trigger.get("triggerConfig")
            if kind == "log" and config is not None:
                _log_circle(trigger, source.rpartition("/")[2], logs, notes)
            if kind == "oss" and config is not None:
                _bucket_circle(one, trigger, source.rpartition(":")[2], notes)


def _logstore(node: Node | None) -> tuple[str, str] | None:
    project, logstore = (text_of(node.get(key)) if node is not None else None for key in ("project", "logstore"))
    return (project, logstore) if project and logstore else None


def _log_circle(trigger: Node, project: str, logs: set[tuple[str, str]], notes: Notes) -> None:
    source, own = trigger.get("triggerConfig", "sourceConfig"), trigger.get("triggerConfig", "logConfig")
    name = text_of(source.get("logstore")) if source is not None else None
    if source is None or not name:
        return
    if (project, name) in logs:
        fix = "Watch another logstore, or let the functions log elsewhere (logConfig)."
        notes.key(source, "logstore", "a logstore that the functions do not log into", fix, value=name)
    if own is not None and _logstore(own) == (project, name):
        notes.at(own, "another logstore than the watched one", "Write the logstore of logferry's own log.")


def _bucket_circle(one: Deployed, trigger: Node, bucket: str, notes: Notes) -> None:
    watched = text_of(trigger.get("triggerConfig", "filter", "key", "prefix")) or ""
    source = trigger.get("sourceArn")
    if source is None or not bucket:
        return
    for name, place in _written(one):
        there, _, folder = place.partition("/")
        if there == bucket and (folder.startswith(watched) or watched.startswith(folder)):
            what = "dead letters are written" if name == "LOGFERRY_OBJECTS" else "task files are put"
            fix = f"Watch another bucket or prefix than {name} names."
            notes.at(source, f"a place where no {what}", fix)


def _written(one: Deployed) -> Iterator[tuple[str, str]]:
    """Buckets of OSS, with prefix, whose objects are none of the logs that `forward` is for."""
    names = ("LOGFERRY_OBJECTS", "LOGFERRY_TASKS") if one.name == "forward" else ("LOGFERRY_OBJECTS",)
    for name in names:
        kind, _, rest = (substituted(one.variables.get(name)) or "").partition(":")
        if kind == "oss":
            yield name, rest.partition("?")[0]
