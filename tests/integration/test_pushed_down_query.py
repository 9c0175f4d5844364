"""A task's `query` runs at the source: what it drops is counted there, and the ledger agrees with a recount."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from tests.fakes.ferry import ROOT, Ferry, ferry
from tests.fakes.sls import Caller, furnished
from tests.integration.test_sls_server_sdk import consumer, until

from logferry import proof, wiring
from logferry.errors import SourceError
from logferry.model import Counts
from logferry.sls.write import encode_log_group

QUERY = "* | where cast(status as bigint) >= 400 | project id, status"


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Two shards, nothing in them."""
    with ferry(tmp_path, shards=2) as made:
        yield made


def ledger(boat: Ferry) -> "subprocess.CompletedProcess[str]":
    """`logferry ledger --verify --json` in a process of its own."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "ledger", "--verify", "--json"]
    return subprocess.run(command, cwd=ROOT, env=boat.environ, capture_output=True, text=True, timeout=60, check=False)


def test_read_and_filtered_at_source_are_what_was_put(boat: Ferry) -> None:
    """Fields are cut at the source too; the command recounts and finds the same."""
    boat.put(1_000, secret="stays at home")
    boat.hec(source={"query": QUERY})
    boat.until_done()
    assert boat.verified("to-hec") == Counts(read=600, delivered=600, filtered_at_source=400)
    received = boat.received("to-hec")
    assert (len(received), set(received.values())) == (600, {1})
    assert "stays at home" not in boat.sinks["to-hec"].read_text(encoding="utf-8")
    done = ledger(boat)
    assert done.returncode == 0, done.stderr
    [task] = json.loads(done.stdout)["tasks"]
    assert (task["totals"]["read"], task["totals"]["filtered_at_source"]) == (600, 400)


def test_query_that_matches_nothing_moves_on(boat: Ferry) -> None:
    """Nothing is delivered, nothing is read again, all is counted."""
    boat.put(200)
    boat.hec(source={"query": "* | where status = 'never'"})
    boat.until_done()
    assert boat.verified("to-hec") == Counts(filtered_at_source=200)
    for shard in ("0", "1"):
        assert boat.row("to-hec", shard).position == boat.logstore.get_cursor(shard, "end")


def test_query_and_filter_count_apart(boat: Ferry) -> None:
    """What the task's own filter drops is `filtered`, what the query drops is not."""
    boat.put(100)
    boat.hec(source={"query": "* | where status <> '200'"}, filter={"field": "status", "op": "eq", "value": "500"})
    boat.until_done()
    assert boat.verified("to-hec") == Counts(read=80, delivered=20, filtered=60, filtered_at_source=20)


def test_a_wrong_count_is_found_by_the_recount(boat: Ferry) -> None:
    """A row that claims another number of dropped records is a difference."""
    boat.put(100)
    boat.hec(source={"query": QUERY})
    boat.until_done()
    shop = wiring.workshop(boat.environ)
    stored = shop.tasks.get("to-hec")
    row = boat.row("to-hec")
    [entry] = row.entries
    lie = entry.counts + Counts(filtered_at_source=1)
    row = msgspec.structs.replace(row, entries=type(row.entries)([msgspec.structs.replace(entry, counts=lie)]))
    source = shop.source(stored.task())
    found = proof.recount("to-hec", row, shop.job(stored).plan, source, shop.dead).differences
    assert [line.partition(": ")[2] for line in found] == [
        f"the ledger says filtered_at_source {lie.filtered_at_source}, the source {lie.filtered_at_source - 1}"
    ]


def test_mistake_in_a_query_is_told(boat: Ferry) -> None:
    """The service's words with line and column reach whoever runs the task; nothing moves."""
    boat.put(10)
    boat.hec(source={"query": "* | wher status = '403'"})
    shop = wiring.workshop(boat.environ)
    source = shop.source(shop.tasks.get("to-hec").task())
    with pytest.raises(SourceError, match=r"ParameterInvalid.*line 1:5 mismatched input 'wher'"):
        list(source.read("0", source.position("0", "begin"), source.position("0", "end")))
    assert boat.received("to-hec") == {}


def test_vendor_consumer_with_the_published_query(tmp_path: Path) -> None:
    """An unmodified ConsumerWorker with the query of the shipping document gets what matches, past what does not."""
    with ExitStack() as stack:
        address = stack.enter_context(furnished(tmp_path / "store"))
        caller = Caller(address)
        stack.callback(caller.close)
        caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 1})

        query = "* | where instance_id in ('instance-1', 'instance-2')"
        one = stack.enter_context(consumer("one", address, tmp_path, query))
        for number in range(8):
            fields = {"n": str(number), "instance_id": f"instance-{number % 4}"}
            caller.put("wide", encode_log_group([(1_700_000_000, 0, fields)]))
        until(lambda: one.logs() == {"1", "2", "5", "6"})
        path, end = "/logstores/wide/consumergroups/siem", caller.cursor("wide", 0, "end")
        until(lambda: caller.call("GET", path, {"shard": "0"}).document[0]["checkpoint"] == end)
        assert len([line for line in one.lines if "n" in line]) == 4
