"""The store as an ASGI application: which path and method is which operation."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logferry.vault import Secret
from logferry_local.sls_server import routes_groups, routes_logs, routes_logstores, routes_projects, routes_shards
from logferry_local.sls_server.frame import Handler, Service, endpoint, refused
from logferry_local.sls_server.groups import Groups
from logferry_local.sls_server.refusals import Refusal
from logferry_local.sls_server.store import Store

__all__ = ["app"]

log = logging.getLogger("logferry.sls_server")

_TICK = 1.0  # seconds
_LOGSTORE = "/logstores/{logstore}"
_GROUP = _LOGSTORE + "/consumergroups/{group}"
_OPERATIONS: list[tuple[str, str, Handler]] = [
    ("POST", "/", routes_projects.create),
    ("GET", "/", routes_projects.read),
    ("PUT", "/", routes_projects.update),
    ("DELETE", "/", routes_projects.delete),
    ("POST", "/logstores", routes_logstores.create),
    ("GET", "/logstores", routes_logstores.list_all),
    ("GET", _LOGSTORE, routes_logstores.get),
    ("PUT", _LOGSTORE, routes_logstores.update),
    ("DELETE", _LOGSTORE, routes_logstores.delete),
    ("POST", _LOGSTORE + "/index", routes_logstores.create_index),
    ("PUT", _LOGSTORE + "/index", routes_logstores.update_index),
    ("GET", _LOGSTORE + "/index", routes_logstores.get_index),
    ("DELETE", _LOGSTORE + "/index", routes_logstores.delete_index),
    ("GET", _LOGSTORE + "/shards", routes_shards.list_all),
    ("POST", _LOGSTORE + "/shards/{shard:int}", routes_shards.change),
    ("DELETE", _LOGSTORE + "/shards/{shard:int}", routes_shards.delete),
    ("GET", _LOGSTORE + "/shards/{shard:int}", routes_logs.read_shard),
    ("POST", _LOGSTORE + "/shards/{way}", routes_logs.put),
    ("POST", _LOGSTORE + "/consumergroups", routes_groups.create),
    ("GET", _LOGSTORE + "/consumergroups", routes_groups.list_all),
    ("PUT", _GROUP, routes_groups.update),
    ("DELETE", _GROUP, routes_groups.delete),
    ("GET", _GROUP, routes_groups.checkpoints),
    ("POST", _GROUP, routes_groups.post),
]


def app(
    store: Store, keys: Mapping[str, Secret], clock: Callable[[], float], *, check_times: bool = False
) -> Starlette:
    """The application; it keeps the store in order while it runs, and does not close it."""
    service = Service(store, Groups(store.meta, store.catalog, clock, store.drained), keys, clock, check_times)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_tick(store))
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking

    routes = [
        Route(path, endpoint(service, handler), methods=[method], include_in_schema=False)
        for method, path, handler in _OPERATIONS
    ]
    made = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _unknown, 405: _unknown})
    made.router.redirect_slashes = False
    return made


async def _unknown(request: Request, _: Exception) -> Response:
    return refused(Refusal(400, "NotSupported", f"{request.method} {request.scope['path'][:100]} is not served here"))


async def _tick(store: Store) -> None:
    while True:
        await asyncio.sleep(_TICK)
        try:
            await store.tick()
        except Exception:
            log.exception("the once-a-second work failed")  # it must come again all the same
