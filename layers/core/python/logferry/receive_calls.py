"""The call that takes logs: `receive` (an HTTP trigger). What its answers mean stands in `receiver` and `gates`."""

from functools import lru_cache

from logferry.receiver import Receiver
from logferry.runtime import Call, web
from logferry.wiring import Workshop, workshop

__all__ = ["receive"]


def receive(call: Call) -> web.Response:
    """One post of logs to the task whose path it has. Raises ConfigError for an event that is no HTTP request."""
    request = web.read(call.event)
    return _receiver(workshop(call.environ)).answer(request, call.time_left, call.meter)


@lru_cache(maxsize=2)
def _receiver(shop: Workshop) -> Receiver:
    """Kept as long as the instance's workshop."""
    return Receiver(shop)
