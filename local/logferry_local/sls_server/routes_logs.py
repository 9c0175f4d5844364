"""Operations on logs: PutLogs, PullLogs, GetCursor, GetCursorTime.

An answer holds 1-1000 log groups and about 10 MB before compression. Groups are stored and served byte for byte.
"""

import asyncio
import logging
from typing import NamedTuple

from starlette.responses import Response

from logferry.sls.write import list_entry
from logferry_local.sls_server import bodies, cursors, loggroups
from logferry_local.sls_server.frame import Call, answer
from logferry_local.sls_server.refusals import Refusal, invalid_cursor, parameter
from logferry_local.sls_server.scanning import scan
from logferry_local.sls_server.segments import Damaged
from logferry_local.sls_server.shards import OutOfRange, Pull, Reading, Shard
from logferry_local.spl import Program, SplError, compile_query

__all__ = ["MAX_GROUPS", "MAX_PULL_BYTES", "put", "read_shard"]

log = logging.getLogger("logferry.sls_server")

MAX_GROUPS = 1000
MAX_PULL_BYTES = 10 << 20
_INLINE = 64 << 10  # smaller answers are not worth a thread
_PROTOBUF = "application/x-protobuf"


class _Answered(NamedTuple):
    body: bytes
    headers: dict[str, str]
    next: int


async def put(call: Call) -> Response:
    """PutLogs to `shards/lb`, or to `shards/route?key=`."""
    service, logstore = call.service, call.path["logstore"]
    if call.path["way"] not in ("lb", "route"):
        raise Refusal(400, "NotSupported", f"PutLogs to shards/{call.path['way'][:20]} is not served: lb or route")
    if not call.headers.get("content-type"):
        raise Refusal(400, "MissingContentType", "Content-Type does not exist in http header when body is not empty")
    if call.headers["content-type"].partition(";")[0].strip() != _PROTOBUF:
        raise Refusal(415, "InvalidContentType", f"Content-Type {call.headers['content-type'][:40]} is unsupported")
    hash_key = call.params.get("key", "") if call.path["way"] == "route" else None
    shard = service.store.choose(call.project, logstore, hash_key)
    group = bodies.unpack(call.headers.get("x-log-compresstype", "").lower(), call.body, _raw_size(call))
    loggroups.check(group, service.clock() if service.check_times else None)
    try:
        shard.append([list_entry(len(group)) + group], service.clock())
        await service.store.settle(shard)
    except OSError:
        log.exception("log group not written", extra={"project": call.project, "logstore": logstore})
        raise Refusal(500, "InternalServerError", "the log group could not be written") from None
    return answer()


async def read_shard(call: Call) -> Response:
    """PullLogs (`type` log or logs), GetCursor (cursor), GetCursorTime (cursor_time)."""
    kind = call.params.get("type", "")
    if kind not in _READS:
        raise parameter(f"type: {kind[:20]!r} is not one of log, logs, cursor, cursor_time")
    shard = call.service.store.shard(call.project, call.path["logstore"], call.path["shard"])
    return await _READS[kind](call, shard)


async def _pull(call: Call, shard: Shard) -> Response:
    program = _program(call)
    begin = _number(call, "cursor")
    end = _number(call, "end_cursor") if call.params.get("end_cursor") else None
    count = call.number("count", MAX_GROUPS, 1, MAX_GROUPS)
    kind = bodies.packing(call.headers.get("accept-encoding", ""))
    try:
        reading = shard.reading(Pull(begin, end, count, MAX_PULL_BYTES))
        work = asyncio.to_thread(_answered, reading, kind, program) if reading.size > _INLINE else None
        answered = await work if work else _answered(reading, kind, program)
    except OutOfRange:
        raise invalid_cursor(call.params["cursor"]) from None
    except Damaged as error:
        log.exception("pull refused", extra={"project": call.project, "logstore": call.path["logstore"]})
        raise Refusal(500, "InternalServerError", f"log group damaged on disk: {error.args[0]}") from None
    headers = {"x-log-compresstype": kind} if kind else {}
    headers |= answered.headers | {
        "x-log-cursor": cursors.text(answered.next),
        "x-log-cursor-time": str(int(reading.last_time)),
        "x-log-end-of-cursor": "1" if answered.next >= shard.end else "0",
    }
    return Response(answered.body, headers=headers, media_type=_PROTOBUF)


def _program(call: Call) -> Program | None:
    """What `query` says; None without one."""
    if call.params.get("processor"):
        raise parameter("processor: stored processors are not served here; write the SPL as query")
    query, mode = call.params.get("query", ""), call.params.get("pullMode", "scan_on_stream")
    if query and mode != "scan_on_stream":
        raise parameter(f"pullMode: {mode[:20]!r} is not scan_on_stream")
    try:
        return compile_query(query) if query.strip() else None
    except SplError as error:
        raise parameter(f"invalid query: {error}") from None


async def _cursor(call: Call, shard: Shard) -> Response:
    wanted = call.params.get("from", "")
    if wanted in ("begin", "end"):
        number = shard.begin if wanted == "begin" else shard.end
    elif wanted.isdecimal() and len(wanted) <= 10:
        number = shard.at_time(int(wanted))
    else:
        raise parameter(f"from: {wanted[:20]!r} is not begin, end or a time in seconds")
    return answer({"cursor": cursors.text(number)})


async def _cursor_time(call: Call, shard: Shard) -> Response:
    try:
        return answer({"cursor_time": int(shard.time_of(_number(call, "cursor")))})
    except OutOfRange:
        raise invalid_cursor(call.params["cursor"]) from None


_READS = {"log": _pull, "logs": _pull, "cursor": _cursor, "cursor_time": _cursor_time}


def _answered(reading: Reading, kind: str, program: Program | None) -> _Answered:
    if program is None:
        raw, following = reading.body(), reading.next
        headers = {"x-log-count": str(reading.count)}
    else:
        found = scan(reading, program)
        raw, following = found.body, found.next
        # As the vendor's clients name them: groups and bytes before the query, logs before and after it.
        headers = {
            "x-log-count": str(found.groups),
            "x-log-resultlines": str(found.lines),
            "x-log-rawdatacount": str(found.raw_groups),
            "x-log-rawdatalines": str(found.raw_lines),
            "x-log-rawdatasize": str(found.raw_size),
            "x-log-failedlines": str(found.failed_lines),
        }
    headers["x-log-bodyrawsize"] = str(len(raw))
    return _Answered(bodies.pack(kind, raw) if raw else b"", headers, following)


def _number(call: Call, name: str) -> int:
    try:
        return cursors.number(call.params.get(name, ""))
    except ValueError:
        raise invalid_cursor(call.params.get(name, "")) from None


def _raw_size(call: Call) -> int:
    text = call.headers.get("x-log-bodyrawsize", "")
    if not text:
        raise Refusal(400, "MissingBodyRawSize", "x-log-bodyrawsize does not exist in header when it is necessary")
    if not text.isdecimal() or len(text) > 18:
        raise Refusal(400, "InvalidBodyRawSize", "x-log-bodyrawsize is invalid")
    if int(text) > loggroups.MAX_BYTES:
        raise Refusal(400, "PostBodyTooLarge", f"log group is larger than {loggroups.MAX_BYTES} bytes")
    return int(text)
