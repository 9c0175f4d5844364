"""Shards split and merged while logs come in: our source, the main job and the vendor's consumers follow."""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from tests.fakes.ferry import Ferry, ferry
from tests.fakes.sls import KEY_ID, SECRET, Caller, furnished, group
from tests.integration.test_sls_server_sdk import PROGRAMS, consumer, run, until

from logferry.plan import Plan, Tally
from logferry.sls.logstore import Logstore
from logferry.sls.write import encode_log_group
from logferry.sources import Surroundings
from logferry.sources.sls import Config, SlsSource, build
from logferry.vault import Secret, Vault
from logferry_local.sls_server import process

KEYS = ["0" * 32, "3" + "f" * 31, "8" + "0" * 31, "f" * 32]
QUARTER, HALF = "4" + "0" * 31, "8" + "0" * 31


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Ferry]:
    """A log store with one logstore of one shard."""
    with ferry(tmp_path) as made:
        yield made


def source_of(place: Ferry) -> SlsSource:
    """Our source on it."""
    options = Config(endpoint=place.address, project="waf-project", logstore="waf-logstore")
    return build(options, Surroundings(place.environ, Vault(place.environ)))


def put(logstore: Logstore, first: int, count: int = 8) -> list[str]:
    """Records numbered on, one a group, each under its key."""
    names = []
    for number in range(first, first + count):
        key = KEYS[number % len(KEYS)]
        names.append(f"{key[:2]}-{number:04d}")
        log = (int(time.time()), 0, {"id": names[-1], "n": names[-1]})
        logstore.put_logs(encode_log_group([log]), hash_key=key)
    return names


def through_changes(logstore: Logstore) -> list[str]:
    """Puts before, between and after two splits and two merges; what was put, in order."""
    names = put(logstore, 0)
    logstore.split_shard("0", HALF)
    names += put(logstore, len(names))
    logstore.split_shard("1", QUARTER)
    names += put(logstore, len(names))
    logstore.merge_shard("4")
    names += put(logstore, len(names))
    logstore.merge_shard("3")
    return names + put(logstore, len(names))


def by_key(names: list[str]) -> dict[str, list[str]]:
    """The names of each key, in their order."""
    return {key: [name for name in names if name.startswith(key)] for key in ("00", "3f", "80", "ff")}


def test_source_reads_parents_before_children(place: Ferry) -> None:
    """Streams in the order that `streams` gives, each from its beginning to its end: every record once, in order."""
    names = through_changes(place.logstore)
    source = source_of(place)
    streams = source.streams()
    seen: set[str] = set()
    for stream in streams:
        assert set(stream.parents) <= seen
        seen.add(stream.name)
    assert {stream.name: stream.parents for stream in streams} == {
        "0": (), "1": ("0",), "2": ("0",), "3": ("0", "1"), "4": ("0", "1"), "5": ("0", "1", "2", "4"),
        "6": ("0", "1", "2", "3", "4", "5"),
    }  # fmt: skip
    assert [stream.name for stream in streams if stream.open] == ["6"]
    read = [
        str(record.fields["id"])
        for stream in streams
        for batch in source.read(
            stream.name, source.position(stream.name, "begin"), source.position(stream.name, "end")
        )
        for record in batch.select(Plan(), Tally())
    ]
    assert len(read) == len(names)
    assert by_key(read) == by_key(names)


def test_main_job_follows_split_and_merge(place: Ferry) -> None:
    """With the task at work all the time, each record arrives once and in the order of its key; the ledger agrees."""
    place.hec()
    names = put(place.logstore, 0)
    place.sweep()
    place.logstore.split_shard("0", HALF)
    names += put(place.logstore, len(names))
    place.sweep()
    place.logstore.merge_shard("1")
    names += put(place.logstore, len(names))
    place.until_done()
    arrived = list(place.received("to-hec"))
    assert sorted(place.received("to-hec").elements()) == sorted(names)
    assert by_key(arrived) == by_key(names)
    assert place.verified("to-hec").delivered == len(names)


def test_vendor_consumer_follows_split_and_merge(tmp_path: Path) -> None:
    """An unmodified ConsumerWorker sees every record put before, between and after, each once."""
    with ExitStack() as stack:
        address = stack.enter_context(furnished(tmp_path / "store"))
        caller = Caller(address)
        stack.callback(caller.close)
        caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 1})

        def change(shard: int, **params: str) -> None:
            assert caller.call("POST", f"/logstores/wide/shards/{shard}", params).status == 200

        def add(low: int, high: int) -> None:
            for number in range(low, high):
                way = f"route?key={KEYS[number % len(KEYS)]}"
                assert caller.put("wide", group(str(number), name="n"), way).status == 200

        add(0, 8)
        one = stack.enter_context(consumer("one", address, tmp_path))
        until(lambda: len(one.logs()) == 8)
        change(0, action="split", key=HALF)
        add(8, 16)
        until(lambda: len(one.logs()) == 16)
        change(1, action="merge")
        add(16, 24)
        until(lambda: one.logs() == {str(number) for number in range(24)})
        assert one.shards() == {0, 1, 2, 3}
        seen = [int(str(line["n"])) for line in one.lines if "n" in line]
        assert len(seen) == 24
        for key in range(len(KEYS)):
            of_key = [number for number in seen if number % len(KEYS) == key]
            assert of_key == sorted(of_key)


def test_vendor_consumer_in_order_reads_parents_first(tmp_path: Path) -> None:
    """All is there before it starts: with `in_order` each key's records still come in their order, each once."""
    with ExitStack() as stack:
        address = stack.enter_context(furnished(tmp_path / "store"))
        caller = Caller(address)
        stack.callback(caller.close)
        caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 1})
        for number in range(24):
            if number in (8, 16):
                params = {"action": "split", "key": HALF} if number == 8 else {"action": "merge"}
                caller.call("POST", f"/logstores/wide/shards/{number // 8 - 1}", params)
            caller.put("wide", group(str(number), name="n"), f"route?key={KEYS[number % len(KEYS)]}")
        one = stack.enter_context(consumer("one", address, tmp_path, "*", "ordered"))
        until(lambda: len(one.logs()) == 24)
        seen = [int(str(line["n"])) for line in one.lines if "n" in line]
        assert seen[:8] == list(range(8))
        assert sorted(seen[8:16]) == list(range(8, 16))
        assert seen[16:] == list(range(16, 24))


def test_vendor_client_splits_merges_and_queries(tmp_path: Path) -> None:
    """SplitShard, MergeShards, DeleteShard and a pull with a query, by the unmodified LogClient; refusals by code."""
    with furnished(tmp_path / "store") as address:
        program = [sys.executable, str(PROGRAMS / "resharding.py"), "project-one"]
        found = json.loads(run(program, address, tmp_path).splitlines()[-1])
    assert found == {
        "pulled": ["1", "3"],
        "counts": [2, 4],
        "size before": True,
        "nothing": [0, True],
        "bad query": "ParameterInvalid",
        "split": [[0, "readonly"], [1, "readwrite"], [2, "readwrite"]],
        "merged": [[3, "readwrite"], [1, "readonly"], [2, "readonly"]],
        "left": [0, 2, 3],
        "refused": ["ParameterInvalid"] * 4,
    }


def kill_after(enough: threading.Event, pid: int, seconds: float) -> None:
    """Wait for the event and a moment longer, then kill -9."""
    enough.wait(60)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_splits_survive_kill(tmp_path: Path, seed: int) -> None:
    """kill -9 in the midst of puts, splits and merges: shards tile, what was acknowledged is there once, in place."""
    dice = random.Random(seed)  # noqa: S311  # any sequence will do
    acknowledged: list[str] = []
    with process(tmp_path, {KEY_ID: Secret(SECRET)}) as running:
        caller = Caller(running.address)
        caller.call("POST", "/", document={"projectName": "project-one"})
        caller.call("POST", "/logstores", document={"logstoreName": "waf", "shardCount": 1})
        enough, last = threading.Event(), dice.randrange(60, 150)
        killer = threading.Thread(target=kill_after, args=(enough, running.pid, dice.random() / 50))
        killer.start()
        with suppress(requests.RequestException):
            for number in range(5_000):
                if number == last:
                    enough.set()
                if number % 5 == 4:
                    shards = caller.call("GET", "/logstores/waf/shards").document
                    shard = dice.choice([one["shardID"] for one in shards if one["status"] == "readwrite"])
                    action = dice.choice(["split", "split", "merge"])
                    caller.call("POST", f"/logstores/waf/shards/{shard}", {"action": action})
                key = f"{dice.getrandbits(128):032x}"
                if caller.put("waf", group(f"<{number}-{key}>"), f"route?key={key}").status == 200:
                    acknowledged.append(f"<{number}-{key}>")
        killer.join()
        caller.close()
    with process(tmp_path, {KEY_ID: Secret(SECRET)}) as running:
        caller = Caller(running.address)
        shards = caller.call("GET", "/logstores/waf/shards").document
        found = {one["shardID"]: caller.pull("waf", one["shardID"], caller.cursor("waf", one["shardID"], "begin")).body
                 for one in shards}  # fmt: skip
        caller.close()
    ranges = sorted(
        (one["inclusiveBeginKey"], one["exclusiveEndKey"]) for one in shards if one["status"] == "readwrite"
    )
    assert len(shards) >= 10
    assert (ranges[0][0], ranges[-1][1]) == ("0" * 32, "f" * 32)
    assert [end for _, end in ranges[:-1]] == [begin for begin, _ in ranges[1:]]
    assert len(acknowledged) > 20
    places = {text: [shard for shard, body in found.items() if text.encode() in body] for text in acknowledged}
    assert {text: where for text, where in places.items() if len(where) != 1} == {}
    of = {one["shardID"]: one for one in shards}
    for text, [shard] in places.items():
        assert of[shard]["inclusiveBeginKey"] <= text[-33:-1] < of[shard]["exclusiveEndKey"]
