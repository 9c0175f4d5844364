"""From `s.yaml` to a runner that is ready: functions started as asked, positions on disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from logferry_local.platforms import Function, Runner
from logferry_local.platforms.in_process import InProcess
from logferry_local.platforms.instance import Instance
from logferry_local.trigger_runner import Cursors, LogTrigger, descriptor
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

__all__ = ["Plan", "assemble"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run. `environ` is the functions' environment: the deploy file's own is for the cloud."""

    file: Path  # s.yaml
    functions: Path  # the checkout's functions/
    environ: Mapping[str, str]
    endpoint: str | None = None  # handed over in the events; None for the region's own
    variables: Mapping[str, str] = field(default_factory=dict)  # replace the file's `vars`
    in_process: bool = False
    logs: int | None = None  # file descriptor for what the functions print; None for standard error


def assemble(plan: Plan, cursors: Callable[[LogTrigger], Cursors], settings: Settings | None = None) -> TriggerRunner:
    """The runner; no function is started before its first call. Close it when done."""
    found = descriptor.read(plan.file, environ=plan.environ, overrides=plan.variables)
    known = descriptor.functions(found, plan.functions)
    runners = {name: _runner(function, plan) for name, function in known.items()}
    return TriggerRunner(descriptor.triggers(found, endpoint=plan.endpoint), runners, cursors, settings)


def _runner(function: Function, plan: Plan) -> Runner:
    if plan.in_process:
        return InProcess(function, "fc")
    return Instance(function, "fc", plan.environ, plan.logs)
