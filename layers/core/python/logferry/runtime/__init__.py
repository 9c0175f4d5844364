"""How each cloud calls us: (event, context) -> Call, and the reply in that cloud's shape.

`handler = runtime.entry(function)` is all a function's `app.py` needs. Only this room knows a cloud's contexts.
An exception passes through, since that is what makes a platform call again; a normal return means success.

Limits: an event is at most 32 MiB of JSON, the most that Function Compute hands over (Lambda: 6 MB).
`time_left` is what the platform grants, without any reserve: the engine keeps its own.
"""

import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from msgspec import Struct

from logferry.errors import ConfigError
from logferry.loading import loading
from logferry.meter import SILENT, Meter, Sums
from logferry.runtime import events, log_lines
from logferry.runtime.web import Response

__all__ = ["Call", "Function", "Handler", "Reply", "WebFunction", "entry", "initializer", "web_entry"]

log = logging.getLogger(__name__)


class Call(Struct, frozen=True):
    """One invocation, the same on every cloud. `environ` holds secrets: it is not in the repr."""

    event: object  # decoded JSON: a mapping or a list
    request_id: str
    environ: Mapping[str, str]
    time_left: Callable[[], float]  # seconds until the platform ends this call
    meter: Meter = SILENT  # who listens to what is delivered

    def __repr__(self) -> str:
        return f"Call(event={self.event!r}, request_id={self.request_id!r})"


class Reply(Struct, frozen=True):
    """What an invocation came to: a small JSON object."""

    body: Mapping[str, object]


Function: TypeAlias = Callable[[Call], Mapping[str, object] | Reply]
WebFunction: TypeAlias = Callable[[Call], Mapping[str, object] | Response]
Handler: TypeAlias = Callable[[object, object], object]


class Cloud(Protocol):
    """One file of this room: what a cloud's context tells, and the reply it takes."""

    def request_id(self, context: object) -> str:
        """The platform's name for this call."""
        ...

    def environ(self, context: object, environ: Mapping[str, str]) -> Mapping[str, str]:
        """The environment, with what the context adds to it."""
        ...

    def time_left(self, context: object, clock: Callable[[], float]) -> Callable[[], float]:
        """Seconds left, asked at any later moment."""
        ...

    def reply(self, body: Mapping[str, object]) -> object:
        """The return value that the platform takes."""
        ...

    def tell(self, context: object, request_id: str, tasks: Mapping[str, Mapping[str, float]]) -> None:
        """Write each task's metrics (names: `meter.COUNTERS` and `meter.GAUGES`) where the platform looks for them."""
        ...


def entry(
    function: Function | WebFunction,
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Handler:
    """The handler for both clouds. `environ` (default: the process's, read at each call) and `clock` are for tests."""

    def handler(event: object, context: object) -> object:
        settings = os.environ if environ is None else environ
        cloud = _cloud(context, settings)
        request_id = cloud.request_id(context)
        left = cloud.time_left(context, clock)
        with log_lines.to_stderr(settings, request_id), _metered(cloud, context, request_id) as meter:
            call = Call(events.decode(event), request_id, cloud.environ(context, settings), left, meter)
            result = function(call)
        return cloud.reply(result.body if isinstance(result, Reply | Response) else result)

    return handler


def web_entry(
    function: WebFunction, *, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.monotonic
) -> Handler:
    """As `entry`, for an HTTP trigger: whoever called is told 400 or 500 and nothing else; the log says what it was."""
    inner = entry(function, environ=environ, clock=clock)

    def handler(event: object, context: object) -> object:
        try:
            return inner(event, context)
        except Exception as error:  # noqa: BLE001  # told in the log; a platform would show its text to a stranger
            bad = isinstance(error, ConfigError) and error.subject == "event"
            return _cloud(context, os.environ if environ is None else environ).reply(Response(400 if bad else 500).body)

    return handler


def initializer(*modules: str) -> Callable[[object], None]:
    """Function Compute's hook before the first call: imports what the calls will need, while nobody waits."""

    def initialize(context: object) -> None:  # noqa: ARG001  # the platform hands it over
        with loading():
            for module in modules:
                importlib.import_module(module)

    return initialize


@contextmanager
def _metered(cloud: Cloud, context: object, request_id: str) -> Iterator[Meter]:
    """What the call comes to is told at its end, also when it fails: what it delivered is delivered."""
    sums = Sums()
    try:
        yield sums
    finally:
        try:
            if sums.tasks:
                cloud.tell(context, request_id, sums.tasks)
        except Exception as error:  # metrics must never break the delivery they tell about
            log.warning("metrics not written", exc_info=error)


def _cloud(context: object, environ: Mapping[str, str]) -> Cloud:
    if hasattr(context, "get_remaining_time_in_millis"):
        from logferry.runtime import aws

        return aws
    if "FC_FUNCTION_NAME" in environ or hasattr(context, "function"):
        from logferry.runtime import fc

        return fc
    from logferry.runtime import local

    return local
