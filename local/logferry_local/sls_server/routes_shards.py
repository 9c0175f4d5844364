"""Operations on shards: ListShards, SplitShard, MergeShards, DeleteShard."""

from starlette.responses import Response

from logferry_local.sls_server.frame import Call, answer
from logferry_local.sls_server.refusals import parameter
from logferry_local.sls_server.resharding import MAX_WRITABLE

__all__ = ["change", "delete", "list_all"]


async def list_all(call: Call) -> Response:
    """ListShards."""
    return answer(call.service.store.catalog.logstore(call.project, call.path["logstore"]).shards)


async def change(call: Call) -> Response:
    """SplitShard (`action=split`, at `key` or in `shardCount` equal parts) or MergeShards (`action=merge`)."""
    action, number = call.params.get("action", ""), call.path["shard"]
    catalog, place = call.service.store.catalog, (call.project, call.path["logstore"])
    if action == "split":
        count = call.number("shardCount", 2, 2, MAX_WRITABLE)
        return answer(catalog.split_shard(*place, number, call.params.get("key", ""), count))
    if action == "merge":
        return answer(catalog.merge_shard(*place, number))
    raise parameter(f"action: {action[:20]!r} is not split or merge")


async def delete(call: Call) -> Response:
    """DeleteShard: a read-only one, with its logs."""
    call.service.store.delete_shard(call.project, call.path["logstore"], call.path["shard"])
    return answer()
