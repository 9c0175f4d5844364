"""The embedded log store refuses what cannot be done with the service's statuses and codes, one by one."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.sls import Caller, Reply, furnished, group

from logferry_local.sls_server import cursors
from logferry_local.sls_server.loggroups import check
from logferry_local.sls_server.refusals import Refusal

SOURCE = Path(__file__).parents[2] / "local/logferry_local/sls_server"
NOW = 1_790_000_000.0
STORE, GROUP = "/logstores/waf", "/logstores/waf/consumergroups/g"
_CURSOR = "MTc5MDAwMDAwMDAwMDAwMDAwMA=="  # the first of a shard born at NOW


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A furnished store."""
    with furnished(tmp_path_factory.mktemp("store")) as at:
        yield at


def logstore(**changed: object) -> dict[str, object]:
    """CreateLogstore's body."""
    return {"logstoreName": "new", "ttl": 1, "shardCount": 1, **changed}


def call(method: str, path: str, document: object = None, **params: str) -> Callable[[Caller], Reply]:
    """That request, when there is a caller."""
    return lambda caller: caller.call(method, path, params, document)


def put(body: bytes, way: str = "lb", **changed: str) -> Callable[[Caller], Reply]:
    """That put, when there is a caller."""
    return lambda caller: caller.put("waf", body, way, **changed)


def elsewhere(method: str, path: str) -> Callable[[Caller], Reply]:
    """A request to a project that does not exist."""

    def send(caller: Caller) -> Reply:
        caller.project = "project-none"
        return caller.call(method, path)

    return send


DEEP = b"[" * 100_000
SHARD = f"{STORE}/shards/0"
CHECKPOINT = {"shard": 0, "checkpoint": _CURSOR}
OPERATIONS: list[tuple[str, int, Callable[[Caller], Reply]]] = [
    ("NotSupported", 400, call("GET", "/dashboards")),
    ("NotSupported", 400, put(group("x"), "nowhere")),
    ("ParameterInvalid", 400, call("POST", f"{SHARD}", action="dance")),
    ("ParameterInvalid", 400, call("POST", f"{SHARD}", action="split", shardCount="1")),
    ("ParameterInvalid", 400, call("POST", f"{SHARD}", action="merge")),
    ("ParameterInvalid", 400, call("DELETE", f"{SHARD}")),
    ("LogStoreNotExist", 404, call("POST", "/logstores/none/shards/0", action="split")),
    ("JsonInfoInvalid", 400, lambda c: c.send("POST", "/", {}, b"{", c.signed("POST", "/", {}, b"{"))),
    ("JsonInfoInvalid", 400, call("POST", "/", ["no object"])),
    ("JsonInfoInvalid", 400, lambda c: c.send("POST", "/", {}, DEEP, c.signed("POST", "/", {}, DEEP))),
    ("PostBodyTooLarge", 400, call("POST", "/", {"description": "x" * (1 << 20)})),
    ("ParameterInvalid", 400, call("GET", "/logstores", size="9" * 5000)),
    ("InvalidBodyRawSize", 400, put(group("x"), x_log_bodyrawsize="9" * 5000)),
    ("JsonInfoInvalid", 400, call("POST", f"{STORE}/consumergroups", {"consumerGroup": "x"})),
    ("JsonInfoInvalid", 400, call("POST", f"{STORE}/consumergroups", {"consumerGroup": "a/b", "timeout": 1})),
    ("JsonInfoInvalid", 400, call("POST", f"{STORE}/consumergroups", {"consumerGroup": "x", "timeout": 0})),
    ("JsonInfoInvalid", 400, call("PUT", GROUP, {"order": "yes"})),
    ("JsonInfoInvalid", 400, call("POST", GROUP, ["0"], type="heartbeat", consumer="c")),
    ("JsonInfoInvalid", 400, call("POST", GROUP, {"shard": "0"}, type="checkpoint")),
    ("ParameterInvalid", 400, call("POST", GROUP, [], type="heartbeat")),
    ("ParameterInvalid", 400, call("POST", GROUP, [], type="dance")),
    ("ParameterInvalid", 400, call("POST", GROUP, CHECKPOINT, type="checkpoint", forceSuccess="false")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="dance")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="cursor")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="log", cursor=_CURSOR, count="1001")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="log", cursor=_CURSOR, query="* | where")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="log", cursor=_CURSOR, query="*", pullMode="dance")),
    ("ParameterInvalid", 400, call("GET", SHARD, type="log", cursor=_CURSOR, processor="mine")),
    ("ParameterInvalid", 400, call("GET", "/logstores", size="-1")),
    ("ParameterInvalid", 400, put(group("x"), "route?key=xyz")),
    ("ParameterInvalid", 400, call("POST", "/", {"projectName": "UPPER"})),
    ("ProjectAlreadyExist", 400, call("POST", "/", {"projectName": "project-one"})),
    ("ProjectNotExist", 404, elsewhere("GET", "/")),
    ("ProjectNotExist", 404, elsewhere("GET", "/logstores")),
    ("ProjectNotExist", 404, elsewhere("GET", f"{STORE}/shards")),
    ("LogStoreAlreadyExist", 400, call("POST", "/logstores", logstore(logstoreName="waf"))),
    ("LogStoreInfoInvalid", 400, call("POST", "/logstores", logstore(logstoreName="../etc"))),
    ("LogStoreInfoInvalid", 400, call("POST", "/logstores", logstore(shardCount=101))),
    ("LogStoreInfoInvalid", 400, call("POST", "/logstores", logstore(ttl=0))),
    ("LogStoreNotExist", 404, call("GET", "/logstores/none")),
    ("LogStoreNotExist", 404, lambda caller: caller.put("none", group("x"))),
    ("LogStoreNotExist", 404, call("GET", "/logstores/none/consumergroups")),
    ("ShardNotExist", 404, call("GET", f"{STORE}/shards/1", type="cursor", **{"from": "begin"})),
    ("ShardNotExist", 404, call("GET", GROUP, shard="1")),
    ("ShardNotExist", 404, call("POST", GROUP, {"shard": 7, "checkpoint": _CURSOR}, type="checkpoint")),
    ("IndexAlreadyExist", 400, call("POST", f"{STORE}/index", {"line": {}})),
    ("IndexInfoInvalid", 400, call("PUT", f"{STORE}/index", {})),
    ("MissingContentType", 400, put(group("x"), Content_Type="")),
    ("InvalidContentType", 415, put(group("x"), Content_Type="text/plain")),
    ("MissingBodyRawSize", 400, put(group("x"), x_log_bodyrawsize="")),
    ("InvalidBodyRawSize", 400, put(group("x"), x_log_bodyrawsize="many")),
    ("InvalidCompressType", 400, put(group("x"), x_log_compresstype="snappy")),
    ("PostBodyUncompressError", 400, put(group("x"), x_log_bodyrawsize="3")),
    ("PostBodyUncompressError", 400, put(group("x"), x_log_bodyrawsize="5000")),
    ("PostBodyUncompressError", 400, put(group("x"), x_log_bodyrawsize="0")),
    ("PostBodyUncompressError", 400, put(group("x"), x_log_compresstype="zstd")),
    ("PostBodyUncompressError", 400, put(group("x"), x_log_compresstype="gzip")),
    ("PostBodyInvalid", 400, put(b"\x0a\x7fnot a log group")),
    ("PostBodyInvalid", 400, put(b"\x0a\x03\x0a\x7fx")),
    ("PostBodyTooLarge", 400, put(group("x"), x_log_bodyrawsize=str(11 << 20))),
    ("PostBodyTooLarge", 400, put(group("", 40_961))),
    ("InvalidCursor", 400, call("GET", SHARD, type="log", cursor="!", count="1")),
    ("InvalidCursor", 400, call("GET", SHARD, type="log", cursor="MTI=", count="1")),
    ("InvalidCursor", 400, call("GET", SHARD, type="log", cursor="OTk5OTk5OTk5OTk5OTk5OTk5OTk5", count="1")),
    ("InvalidCursor", 400, call("GET", SHARD, type="cursor_time", cursor="MTI=")),
    ("ConsumerGroupAlreadyExist", 400, call("POST", f"{STORE}/consumergroups", {"consumerGroup": "g", "timeout": 9})),
    ("ConsumerGroupNotExist", 404, call("PUT", GROUP + "2", {"timeout": 5})),
    ("ConsumerGroupNotExist", 404, call("DELETE", GROUP + "2")),
    ("ConsumerGroupNotExist", 404, call("GET", GROUP + "2")),
    ("ConsumerGroupNotExist", 404, call("POST", GROUP + "2", [], type="heartbeat", consumer="c")),
    ("InvalidShardCheckPoint", 400, call("POST", GROUP, {"shard": 0, "checkpoint": "?"}, type="checkpoint")),
    ("ConsumerNotExist", 400, call("POST", GROUP, CHECKPOINT, type="checkpoint", consumer="nobody")),
]


@pytest.mark.parametrize(
    ("code", "status", "act"), OPERATIONS, ids=[f"{at}-{operation[0]}" for at, operation in enumerate(OPERATIONS)]
)
def test_operation_is_refused(address: str, code: str, status: int, act: Callable[[Caller], Reply]) -> None:
    """What cannot be done is refused with the service's status and code, in its body."""
    caller = Caller(address)
    reply = act(caller)
    caller.close()
    assert (reply.status, reply.code) == (status, code), reply.body


def test_thirty_groups_are_enough(address: str) -> None:
    """The 31st consumer group of a logstore is refused, until one is deleted."""
    caller = Caller(address)
    caller.call("POST", "/logstores", document=logstore(logstoreName="busy"))
    path = "/logstores/busy/consumergroups"
    made = [caller.call("POST", path, document={"consumerGroup": f"g{at}", "timeout": 9}) for at in range(31)]
    caller.call("DELETE", f"{path}/g7")
    again = caller.call("POST", path, document={"consumerGroup": "g30", "timeout": 9})
    caller.close()
    assert [reply.code for reply in made] == [""] * 30 + ["ConsumerGroupQuotaExceed"]
    assert (made[30].status, again.status) == (400, 200)


def test_missing_index_is_said(address: str) -> None:
    """Without an index, reading, changing and deleting it say so."""
    caller = Caller(address)
    caller.call("POST", "/logstores", document=logstore(logstoreName="bare"))
    path = "/logstores/bare/index"
    replies = [caller.call("GET", path), caller.call("PUT", path, document={"line": {}}), caller.call("DELETE", path)]
    caller.close()
    assert [(reply.status, reply.code) for reply in replies] == [(404, "IndexConfigNotExist")] * 3


def test_checkpoint_of_another_consumer_is_refused(address: str) -> None:
    """Without force, only the owner of a shard moves its checkpoint."""
    caller = Caller(address)
    caller.call("POST", f"{STORE}/consumergroups", document={"consumerGroup": "two", "timeout": 10})
    path = f"{STORE}/consumergroups/two"
    held = [caller.call("POST", path, {"type": "heartbeat", "consumer": name}, []).document for name in ("a", "b")]
    moves = [caller.call("POST", path, {"type": "checkpoint", "consumer": name}, CHECKPOINT) for name in ("a", "b")]
    caller.close()
    assert held == [[0], []]
    assert [(reply.status, reply.code) for reply in moves] == [(200, ""), (400, "ConsumerNotMatch")]


def test_body_over_the_limit_is_refused(address: str) -> None:
    """A body larger than any log group is not taken in."""
    caller = Caller(address)
    body = b"x" * (13 << 20)
    reply = caller.send("POST", "/logstores", {}, body, caller.signed("POST", "/logstores", {}, body))
    caller.close()
    assert (reply.status, reply.code) == (400, "PostBodyTooLarge")


def test_old_logs_are_refused_only_when_asked_to() -> None:
    """With the time window on, a log of 2023 is refused; the other tests put such logs without it."""
    check(group("x"))
    with pytest.raises(Refusal, match="InvalidTimestamp"):
        check(group("x"), now=NOW)


def test_damaged_group_is_an_error_not_a_gap(tmp_path: Path) -> None:
    """A group whose bytes changed on disk is answered with 500 until the reader decides to go past it."""
    with furnished(tmp_path) as at:
        caller = Caller(at)
        for text in ("good", "evil", "last"):
            caller.put("waf", group(text))
        (path,) = tmp_path.glob("streams/*/*/0/*.seg")
        path.write_bytes(path.read_bytes().replace(b"evil", b"EVIL"))
        begin = cursors.number(caller.cursor("waf", 0, "begin"))
        replies = [caller.pull("waf", 0, cursors.text(begin + at), count="1") for at in range(3)]
        caller.close()
    assert [(reply.status, reply.code) for reply in replies] == [(200, ""), (500, "InternalServerError"), (200, "")]


def test_request_without_a_host_is_refused(address: str) -> None:
    """HTTP/1.0 allows it, but a project cannot be found then."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(b"GET /logstores HTTP/1.0\r\n\r\n")
        received = b"".join(iter(lambda: wire.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert "MissingHost" in received.decode()


def test_every_code_has_a_test() -> None:
    """Each error code in the source is provoked by a test of the store."""
    written = "".join(path.read_text() for path in SOURCE.glob("*.py"))
    codes: set[Any] = set(re.findall(r'Refusal\(\s*\d+,\s*"(\w+)"', written))
    tested = "".join(path.read_text() for path in Path(__file__).parent.glob("test_sls_server_*.py"))
    assert len(codes) > 30
    assert {code for code in codes if f'"{code}"' not in tested} == set()
