"""`s.yaml` (Serverless Devs 3, component fc3), read strictly: functions and their log, object and timer triggers.

Every mistake of the file is listed at once. Shapes and limits: `logferry_local.deploy_files`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from logferry.config import load
from logferry.errors import ConfigError
from logferry_local.deploy_files.expressions import expand
from logferry_local.deploy_files.fc3 import Props
from logferry_local.deploy_files.fc3_triggers import (
    KINDS,
    WITH_SOURCE,
    LogTriggerConfig,
    OssConfig,
    TimerConfig,
    TriggerDocument,
)
from logferry_local.platforms import Function
from logferry_local.trigger_runner import LogTrigger, PutTrigger, TimerTrigger, Trigger, schedule

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
            initializer_timeout=lifecycle.initializer.timeout if lifecycle and lifecycle.initializer else 3.0,
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
    config = load(KINDS[outer.trigger_type], outer.trigger_config, path=f"{path}.triggerConfig")
    made: Trigger | None = None
    if isinstance(config, LogTriggerConfig) and config.enable:
        made = LogTrigger(
            name=outer.trigger_name, function=name, project=_project(outer, path),
            logstore=config.source_config.logstore,
            endpoint=endpoint or f"http://{props.region}-intranet.log.aliyuncs.com",
            interval=config.job_config.trigger_interval, retries=config.job_config.max_retry_time,
            parameter=config.function_parameter,
        )  # fmt: skip
    retries = props.async_invoke_config.max_async_retry_attempts if props.async_invoke_config else 3
    if isinstance(config, OssConfig):
        key = config.filter.key
        made = PutTrigger(
            name=outer.trigger_name, function=name, bucket=_bucket(outer, path), prefix=key.prefix, suffix=key.suffix,
            retries=retries,
        )  # fmt: skip
        is_put = any(event.startswith("oss:ObjectCreated:") for event in config.events)
        made = made if is_put else None
    if isinstance(config, TimerConfig):
        schedule.after(config.cron_expression)
        timer = TimerTrigger(
            name=outer.trigger_name, function=name, cron=config.cron_expression, payload=config.payload, retries=retries
        )
        made = timer if config.enable else None
    return [made] if made else []  # whoever else calls is not on this machine: `logferry serve` is for HTTP


def _project(outer: TriggerDocument, path: str) -> str:
    return _resource(outer, path, "acs:log:", ":project/")


def _bucket(outer: TriggerDocument, path: str) -> str:
    return _resource(outer, path, "acs:oss:", ":")


def _resource(outer: TriggerDocument, path: str, kind: str, before: str) -> str:
    """The last part of an ARN of this kind."""
    head, _, last = outer.source_arn.rpartition(before)
    if not (head.startswith(kind) and last and "/" not in last):
        form = WITH_SOURCE[outer.trigger_type]
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
