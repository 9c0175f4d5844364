"""Operations on logstores and their indexes."""

from starlette.responses import Response

from logferry_local.sls_server.frame import Call, answer
from logferry_local.sls_server.refusals import Refusal

__all__ = [
    "create", "create_index", "delete", "delete_index", "get", "get_index", "list_all", "update", "update_index",
]  # fmt: skip


async def create(call: Call) -> Response:
    """CreateLogstore."""
    body = call.members()
    call.service.store.catalog.create_logstore(call.project, str(body.get("logstoreName", "")), body)
    return answer()


async def update(call: Call) -> Response:
    """UpdateLogstore: ttl and settings."""
    call.service.store.catalog.update_logstore(call.project, call.path["logstore"], call.members())
    return answer()


async def get(call: Call) -> Response:
    """GetLogstore."""
    name = call.path["logstore"]
    return answer(call.service.store.catalog.logstore(call.project, name).described(name))


async def list_all(call: Call) -> Response:
    """ListLogstores: names that contain `logstoreName`, a page of them."""
    wanted = call.params.get("logstoreName", "")
    found = [name for name, _ in call.service.store.catalog.logstores(call.project) if wanted in name]
    offset, size = call.number("offset", 0, 0, 1 << 31), call.number("size", 500, 0, 500)
    page = found[offset : offset + size]
    return answer({"count": len(page), "total": len(found), "logstores": page})


async def delete(call: Call) -> Response:
    """DeleteLogstore."""
    call.service.store.delete_logstore(call.project, call.path["logstore"])
    return answer()


async def create_index(call: Call) -> Response:
    """CreateIndex. It is kept and given back; nothing is indexed."""
    return _put_index(call, new=True)


async def update_index(call: Call) -> Response:
    """UpdateIndex."""
    return _put_index(call, new=False)


async def get_index(call: Call) -> Response:
    """GetIndex."""
    return answer(call.service.store.catalog.index(call.project, call.path["logstore"]))


async def delete_index(call: Call) -> Response:
    """DeleteIndex."""
    call.service.store.catalog.delete_index(call.project, call.path["logstore"])
    return answer()


def _put_index(call: Call, *, new: bool) -> Response:
    index = call.members()
    if not any(name in index for name in ("line", "keys", "all_keys")):
        raise Refusal(400, "IndexInfoInvalid", "index has neither line nor keys")
    call.service.store.catalog.put_index(call.project, call.path["logstore"], index, new=new)
    return answer()
