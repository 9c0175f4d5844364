"""What is put into the embedded log store comes out byte for byte, in every compression, from the right shard."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import lz4.block
import pytest
import zstandard
from tests.fakes.sls import KEY_ID, SECRET, Caller, furnished, group

from logferry.sls.write import encode_log_group, list_entry
from logferry.vault import Secret
from logferry_local.sls_server import cursors, serving

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "lz4": lambda raw: lz4.block.compress(raw, store_size=False),
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A furnished store of its own."""
    with furnished(tmp_path) as address:
        made = Caller(address)
        yield made
        made.close()


def everything(caller: Caller, logstore: str = "waf", shard: int = 0) -> bytes:
    """All groups of a shard as one LogGroupList."""
    at, found = caller.cursor(logstore, shard, "begin"), b""
    for _ in range(100):
        reply = caller.pull(logstore, shard, at)
        assert reply.status == 200, reply.body
        found, at = found + reply.body, reply.headers["x-log-cursor"]
        if reply.headers["x-log-end-of-cursor"] == "1":
            return found
    raise AssertionError("the end was never reached")


def test_bytes_come_back_as_they_went_in(caller: Caller) -> None:
    """Fields in another order, unknown fields and broken text are stored and served untouched."""
    odd = b"\x22\x01s" + encode_log_group([(5, 7, [(b"k\xff", b"\xfe")])]) + b"\xfa\x07\x03new"
    assert caller.put("waf", odd).status == 200
    assert everything(caller) == list_entry(len(odd)) + odd


@pytest.mark.parametrize("kind", list(PACK))
def test_put_takes_each_compression(caller: Caller, kind: str) -> None:
    """lz4, zstd, gzip, deflate and plain bodies are all understood."""
    raw = group("hello" * 50, 3)
    headers = {"x-log-compresstype": kind, "x-log-bodyrawsize": str(len(raw))}
    assert caller.put_body("waf", PACK[kind](raw), headers).status == 200
    assert everything(caller) == list_entry(len(raw)) + raw


@pytest.mark.parametrize(("accept", "kind"), [("lz4", "lz4"), ("zstd", "zstd"), ("br, lz4;q=0.5", "lz4"), ("br", "")])
def test_pull_answers_in_the_wanted_compression(caller: Caller, accept: str, kind: str) -> None:
    """The answer is compressed as asked for; the raw size is in its header."""
    raw = group("hello" * 50, 3)
    caller.put("waf", raw)
    path, params = "/logstores/waf/shards/0", {"type": "logs", "cursor": caller.cursor("waf", 0, "begin")}
    reply = caller.send("GET", path, params, b"", caller.signed("GET", path, params) | {"Accept-Encoding": accept})
    assert reply.headers.get("x-log-compresstype", "") == kind
    size = int(reply.headers["x-log-bodyrawsize"])
    unpack = {"lz4": lambda b: lz4.block.decompress(b, uncompressed_size=size), "": bytes}
    unpack["zstd"] = zstandard.ZstdDecompressor().decompress
    assert unpack[kind](reply.body) == list_entry(len(raw)) + raw


def test_group_without_a_log_is_stored(caller: Caller) -> None:
    """An empty group, even one without any field, is a group: it is counted and served."""
    assert [caller.put("waf", raw).status for raw in (b"", encode_log_group([], topic="t"))] == [200, 200]
    assert everything(caller) == b"\x0a\x00\x0a\x03\x1a\x01t"


def test_groups_go_round_the_shards(caller: Caller) -> None:
    """Without a hash key, each shard gets its turn."""
    caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 3})
    for ordinal in range(6):
        caller.put("wide", group(f"<{ordinal}>"))
    found = [everything(caller, "wide", shard) for shard in range(3)]
    assert [[b"<%d>" % ordinal in body for ordinal in range(6)] for body in found] == [
        [True, False, False, True, False, False],
        [False, True, False, False, True, False],
        [False, False, True, False, False, True],
    ]


@pytest.mark.parametrize(
    ("key", "shard"), [("0" * 32, 0), ("7f" * 16, 1), ("F" * 32, 2), ("a9" * 16, 1), ("aa" * 16, 2)]
)
def test_hash_key_chooses_the_shard(caller: Caller, key: str, shard: int) -> None:
    """A key goes to the shard whose range holds it, the highest key to the last."""
    caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 3})
    assert caller.put("wide", group("x"), f"route?key={key}").status == 200
    assert [len(everything(caller, "wide", number)) > 0 for number in range(3)].index(True) == shard


def test_key_ranges_tile(caller: Caller) -> None:
    """The shards' ranges follow each other from the lowest to the highest key."""
    caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 3})
    shards = caller.call("GET", "/logstores/wide/shards").document
    assert [shard["status"] for shard in shards] == ["readwrite"] * 3
    assert shards[0]["inclusiveBeginKey"] == "0" * 32
    assert [shard["exclusiveEndKey"] for shard in shards[:2]] == [shard["inclusiveBeginKey"] for shard in shards[1:]]
    assert shards[2]["exclusiveEndKey"] == "f" * 32


def test_remade_logstore_is_another_one(caller: Caller) -> None:
    """After delete and create: another createTime (even within a second), no groups, and old cursors are refused."""
    old_time = caller.call("GET", "/logstores/waf/shards").document[0]["createTime"]
    caller.put("waf", group("old"))
    old = caller.cursor("waf", 0, "end")
    assert caller.call("DELETE", "/logstores/waf").status == 200
    assert caller.call("POST", "/logstores", document={"logstoreName": "waf", "shardCount": 1}).status == 200
    assert caller.call("GET", "/logstores/waf/shards").document[0]["createTime"] > old_time
    assert everything(caller) == b""
    assert caller.pull("waf", 0, old).code == "InvalidCursor"
    assert caller.call("GET", "/logstores/waf/consumergroups").document == []


def test_deleted_project_leaves_nothing(caller: Caller, tmp_path: Path) -> None:
    """Deleting a project deletes its logstores and their files; made again, it is empty."""
    caller.put("waf", group("old"))
    assert caller.call("DELETE", "/").status == 200
    assert list(tmp_path.glob("streams/*/*")) == []
    assert caller.call("GET", "/").code == "ProjectNotExist"
    caller.call("POST", "/", document={"projectName": "project-one"})
    assert caller.call("GET", "/logstores").document["total"] == 0


def test_large_answer_is_capped(caller: Caller) -> None:
    """About 10 MB before compression is the most that one answer holds; the next goes on where it ended."""
    big = group("x" * (3 << 20))
    for _ in range(5):
        assert caller.put("waf", big).status == 200
    first = caller.pull("waf", 0, caller.cursor("waf", 0, "begin"))
    assert (first.headers["x-log-count"], first.headers["x-log-end-of-cursor"]) == ("3", "0")
    second = caller.pull("waf", 0, first.headers["x-log-cursor"])
    assert (second.headers["x-log-count"], second.headers["x-log-end-of-cursor"]) == ("2", "1")


def test_empty_range_has_no_body(caller: Caller) -> None:
    """At the end there are no groups, size 0, and the cursor stays."""
    caller.put("waf", group("x"))
    end = caller.cursor("waf", 0, "end")
    reply = caller.pull("waf", 0, end)
    headers = [reply.headers[f"x-log-{name}"] for name in ("count", "bodyrawsize", "cursor")]
    assert (headers, reply.body) == (["0", "0", end], b"")


def test_cursors_grow_by_one(caller: Caller) -> None:
    """A cursor is base64 of a number that grows by one with each group."""
    begin = cursors.number(caller.cursor("waf", 0, "begin"))
    for text in ("a", "b", "c"):
        caller.put("waf", group(text))
    assert cursors.number(caller.cursor("waf", 0, "end")) == begin + 3
    assert caller.cursor("waf", 0, "1000000000") == cursors.text(begin)
    assert caller.cursor("waf", 0, "9999999999") == cursors.text(begin + 3)


def test_expired_cursor_is_refused(tmp_path: Path) -> None:
    """What retention has dropped cannot be read, and its cursor is invalid."""
    moment = [1_790_000_000.0]
    with serving(tmp_path, {KEY_ID: Secret(SECRET)}, clock=lambda: moment[0]) as address:
        caller = Caller(address, clock=lambda: moment[0])
        caller.call("POST", "/", document={"projectName": "project-one"})
        caller.call("POST", "/logstores", document={"logstoreName": "waf", "ttl": 1, "shardCount": 1})
        caller.put("waf", group("old"))
        begin = caller.cursor("waf", 0, "begin")
        moment[0] += 2 * 86_400
        replies = [caller.pull("waf", 0, begin), caller.pull("waf", 0, caller.cursor("waf", 0, "begin"))]
        caller.close()
    assert [reply.code for reply in replies] == ["InvalidCursor", ""]


def test_ttl_3650_keeps_for_ever(tmp_path: Path) -> None:
    """The service's number for permanent storage is never reached."""
    moment = [1_790_000_000.0]
    with serving(tmp_path, {KEY_ID: Secret(SECRET)}, clock=lambda: moment[0]) as address:
        caller = Caller(address, clock=lambda: moment[0])
        caller.call("POST", "/", document={"projectName": "project-one"})
        caller.call("POST", "/logstores", document={"logstoreName": "waf", "ttl": 3650, "shardCount": 1})
        caller.put("waf", group("old"))
        moment[0] += 5000 * 86_400
        assert b"old" in everything(caller)
        caller.close()
