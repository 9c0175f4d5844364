"""AWS Lambda: the context knows the time left; the event is an object; the reply is one too.

Metrics leave as log lines in CloudWatch's embedded metric format: nothing is called, nothing is waited for.
Sources: AWS Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information"; Amazon
CloudWatch User Guide, "Specification: Embedded metric format".
"""

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from logferry.meter import GAUGES

__all__ = ["NAMESPACE", "environ", "reply", "request_id", "tell", "time_left"]

NAMESPACE = "logferry"


class _Context(Protocol):
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def request_id(context: object) -> str:
    """`aws_request_id`: a retry of an asynchronous event carries the same one."""
    return cast("_Context", context).aws_request_id


def environ(context: object, environ: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG001  # one signature a cloud
    """The environment as it is: credentials are in it, and boto3 renews them itself."""
    return environ


def time_left(context: object, clock: Callable[[], float]) -> Callable[[], float]:  # noqa: ARG001  # Lambda's own clock
    """What Lambda says, in seconds."""
    remaining = cast("_Context", context).get_remaining_time_in_millis
    return lambda: remaining() / 1000


def reply(body: Mapping[str, object]) -> object:
    """A plain dict: Lambda makes the JSON."""
    return dict(body)


def tell(context: object, request_id: str, tasks: Mapping[str, Mapping[str, float]]) -> None:
    """One object a task in the embedded metric format. What did not happen is left out: each metric has its price.

    Each metric is told twice, of (function, task) and of (function) alone: an alarm needs dimensions that it can name.
    """
    # Loaded here, after the work: no delivery waits for it, and no other cloud needs it.
    from aws_lambda_powertools.metrics import EphemeralMetrics

    for task, facts in tasks.items():
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        function = str(getattr(context, "function_name", "unknown"))
        metrics.add_dimension("function", function)
        metrics.add_dimension("task", task)
        metrics.add_dimensions(function=function)
        metrics.add_metadata("request_id", request_id)
        for name, value in facts.items():
            if value or name in GAUGES:
                metrics.add_metric(name, _unit(name), value)
        metrics.flush_metrics()


def _unit(name: str) -> str:
    if name.endswith("_seconds"):
        return "Seconds"
    return "Bytes" if name == "bytes" else "Count"
