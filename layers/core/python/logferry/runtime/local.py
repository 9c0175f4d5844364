"""One's own machine: no platform, so the context is None or anything with `request_id` and `timeout` (seconds)."""

import math
from collections.abc import Callable, Mapping

__all__ = ["environ", "reply", "request_id", "tell", "time_left"]


def request_id(context: object) -> str:
    """The context's `request_id`, else `local`."""
    return str(getattr(context, "request_id", "local"))


def environ(context: object, environ: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG001  # one signature a cloud
    """The environment as it is."""
    return environ


def time_left(context: object, clock: Callable[[], float]) -> Callable[[], float]:
    """The context's `timeout` less what has passed; without one there is no end."""
    end = clock() + float(getattr(context, "timeout", math.inf))
    return lambda: end - clock()


def reply(body: Mapping[str, object]) -> object:
    """A plain dict."""
    return dict(body)


def tell(context: object, request_id: str, tasks: Mapping[str, Mapping[str, float]]) -> None:
    """Nobody collects metrics here; `logferry status` and the worker's `--metrics-port` show them."""
