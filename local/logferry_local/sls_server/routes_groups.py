"""Operations on consumer groups: create, list, update, delete, heartbeat, checkpoints."""

from starlette.responses import Response

from logferry_local.sls_server.frame import Call, answer
from logferry_local.sls_server.groups import Checkpoint, GroupName
from logferry_local.sls_server.refusals import Refusal, parameter

__all__ = ["checkpoints", "create", "delete", "list_all", "post", "update"]


async def create(call: Call) -> Response:
    """CreateConsumerGroup."""
    body = call.members()
    name, timeout, order = body.get("consumerGroup"), body.get("timeout"), body.get("order", False)
    if not isinstance(name, str) or not name or len(name) > 128 or "/" in name:
        raise _bad_json("consumerGroup is not a name")
    if timeout is None:
        raise _bad_json("timeout is missing")
    named = GroupName(call.project, call.path["logstore"], name)
    call.service.groups.create(named, timeout=_timeout(timeout), order=_order(order))
    return answer()


async def list_all(call: Call) -> Response:
    """ListConsumerGroup: a bare list, as the vendor's clients read it."""
    found = call.service.groups.groups(call.project, call.path["logstore"])
    return answer([{"name": name, "timeout": group.timeout, "order": group.order} for name, group in found])


async def update(call: Call) -> Response:
    """UpdateConsumerGroup."""
    body = call.members()
    timeout, order = body.get("timeout"), body.get("order")
    call.service.groups.update(
        _named(call),
        timeout=None if timeout is None else _timeout(timeout),
        order=None if order is None else _order(order),
    )
    return answer()


async def delete(call: Call) -> Response:
    """DeleteConsumerGroup."""
    call.service.groups.delete(_named(call))
    return answer()


async def checkpoints(call: Call) -> Response:
    """GetCheckPoint, of one shard or of all."""
    shard = call.number("shard", None, 0, 1 << 31) if "shard" in call.params else None
    return answer(call.service.groups.checkpoints(_named(call), shard))


async def post(call: Call) -> Response:
    """HeartBeat, or UpdateCheckPoint."""
    kind = call.params.get("type", "")
    if kind == "heartbeat":
        return _heartbeat(call)
    if kind == "checkpoint":
        return _save(call)
    raise parameter(f"type: {kind[:20]!r} is not heartbeat or checkpoint")


def _heartbeat(call: Call) -> Response:
    consumer = call.params.get("consumer", "")
    if not consumer or len(consumer) > 256:
        raise parameter("consumer: its name is missing, or longer than 256")
    body = call.json()
    listed = body.get("shards") if isinstance(body, dict) else body
    if not isinstance(listed, list) or not all(type(shard) is int for shard in listed):
        raise _bad_json("the body is not a list of shard ids")
    return answer(call.service.groups.heartbeat(_named(call), consumer, listed))


def _save(call: Call) -> Response:
    body = call.members()
    shard, cursor = body.get("shard"), body.get("checkpoint")
    if type(shard) is not int or not isinstance(cursor, str):
        raise _bad_json("shard (a number) and checkpoint (a text) are required")
    force = call.params.get("forceSuccess", "").lower() == "true"
    new = Checkpoint(shard, cursor, consumer=call.params.get("consumer", ""))
    call.service.groups.save(_named(call), new, force=force)
    return answer()


def _named(call: Call) -> GroupName:
    return GroupName(call.project, call.path["logstore"], call.path["group"])


def _timeout(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= 86_400:
        raise _bad_json(f"timeout {str(value)[:20]} is not between 1 and 86400 seconds")
    return round(value)


def _order(value: object) -> bool:
    if not isinstance(value, bool):
        raise _bad_json("order is not true or false")
    return value


def _bad_json(message: str) -> Refusal:
    return Refusal(400, "JsonInfoInvalid", message)
