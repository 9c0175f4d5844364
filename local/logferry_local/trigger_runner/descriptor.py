"""`s.yaml` (Serverless Devs 3, component fc3), read strictly: functions and their log, object and timer triggers.

Every mistake of the file is listed at once. Shapes and limits: `fc3`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from logferry.config import load
from logferry.errors import ConfigError
from logferry_local.platforms import Function
from logferry_local.trigger_runner import LogTrigger, PutTrigger, TimerTrigger, Trigger, schedule
from logferry_local.trigger_runner.fc3 import (
    HttpConfig,
    LogTriggerConfig,
    OssConfig,
    Props,
    TimerConfig,
    TriggerDocument,
)
from logferry_local.trigger_runner.variables import expand

__all__ = ["functions", "read", "triggers"]

_MAX_BYTES = 1024 * 1024


def read(path: Path, *, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> dict[str, Props]:
    """Every function of the file by its resource name; `overrides` replace `vars`. ConfigError lists all mistakes."""
    document = _document(path)
    variables = {**_mapping(document.get("vars")), **(overrides or {})}
    problems = [
        f"vars.{name}: is not in the file" for name in overrides or {} if name not in _mapping(document.get("vars"))
    ]
    resources = expand(_mapping(document.get("resources")), variables, environ, problems, "resources")
    found: dict[str, Props] = {}
    for name, resource in _mapping(resources).items():
        try:
            found[str(name)] = load(Props, _mapping(resource).get("props"), path=f"resources.{name}.props")
        except ConfigError as error:
            problems += error.problems
    if not found and not problems:
        problems.append("resources: is empty, expected at least one function")
    if problems:
        raise ConfigError(problems, subject=str(path))
    return found


def functions(found: Mapping[str, Props], folder: Path) -> dict[str, Function]:
    """The same functions in the checkout: a resource's name is the folder below `functions/`."""
    made = {}
    for name, props in found.items():
        lifecycle = props.instance_lifecycle_config
        made[name] = Function(
            name=name, code=folder / name, handler=props.handler, timeout=props.timeout, memory=props.memory_size,
            initializer=lifecycle.initializer.handler if lifecycle and lifecycle.initializer else "",
        )  # fmt: skip
    return made


def triggers(found: Mapping[str, Props], *, endpoint: str | None = None) -> list[Trigger]:
    """The enabled triggers. `endpoint` takes the place of the region's own in the events."""
    made: list[Trigger] = []
    problems: list[str] = []
    for name, props in found.items():
        for at, document in enumerate(props.triggers):
            try:
                made += _trigger(name, props, document, f"resources.{name}.props.triggers[{at}]", endpoint)
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems, subject="triggers")
    return made


def _trigger(name: str, props: Props, document: object, path: str, endpoint: str | None) -> Sequence[Trigger]:
    outer = load(TriggerDocument, document, path=path)
    if outer.trigger_type == "log":
        return _log(name, props, outer, path, endpoint)
    if outer.trigger_type == "http":
        load(HttpConfig, outer.trigger_config, path=f"{path}.triggerConfig")
        return []  # whoever calls fires it: `logferry serve` is for that
    retries = props.async_invoke_config.max_async_retry_attempts if props.async_invoke_config else 3
    if outer.trigger_type == "oss":
        put = load(OssConfig, outer.trigger_config, path=f"{path}.triggerConfig")
        bucket = _resource(outer, path, "acs:oss:", "acs:oss:REGION:ACCOUNT:BUCKET", ":")
        key = put.filter.key
        watched = PutTrigger(
            name=outer.trigger_name, function=name, bucket=bucket, prefix=key.prefix, suffix=key.suffix, retries=retries
        )
        return [watched]
    timer = load(TimerConfig, outer.trigger_config, path=f"{path}.triggerConfig")
    schedule.after(timer.cron_expression)
    made = TimerTrigger(
        name=outer.trigger_name, function=name, cron=timer.cron_expression, payload=timer.payload, retries=retries
    )
    return [made] if timer.enable else []


def _log(name: str, props: Props, outer: TriggerDocument, path: str, endpoint: str | None) -> Sequence[Trigger]:
    log = load(LogTriggerConfig, outer.trigger_config, path=f"{path}.triggerConfig")
    project = _resource(outer, path, "acs:log:", "acs:log:REGION:ACCOUNT:project/PROJECT", ":project/")
    watched = LogTrigger(
        name=outer.trigger_name, function=name, project=project, logstore=log.source_config.logstore,
        endpoint=endpoint or f"http://{props.region}-intranet.log.aliyuncs.com",
        interval=log.job_config.trigger_interval, retries=log.job_config.max_retry_time,
        parameter=log.function_parameter,
    )  # fmt: skip
    return [watched] if log.enable else []


def _resource(outer: TriggerDocument, path: str, kind: str, form: str, before: str) -> str:
    """The last part of an ARN of this kind."""
    head, _, last = outer.source_arn.rpartition(before)
    if not (head.startswith(kind) and last and "/" not in last):
        raise ConfigError([f"{path}.sourceArn: {outer.source_arn!r}, expected {form}"], subject="triggers")
    return last


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError([f"more than {_MAX_BYTES} bytes"], subject=str(path))
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"cannot be read ({error.strerror})"], subject=str(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"is not YAML: {str(error).splitlines()[0]}"], subject=str(path)) from None
    return _mapping(found)


def _mapping(data: object) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}
