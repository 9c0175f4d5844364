"""AWS Lambda: the context knows the time left; the event is an object; the reply is one too.

Source: AWS Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information".
"""

from collections.abc import Callable, Mapping
from typing import Protocol, cast

__all__ = ["environ", "reply", "request_id", "time_left"]


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
