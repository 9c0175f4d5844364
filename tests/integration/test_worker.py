"""`logferry run`: workers share shards, replace each other, follow what happens to a logstore, and lose nothing."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry
from tests.fakes.misbehaving import Misbehaving, silence
from tests.fakes.worker import eventually, refused, worker

from logferry import wiring
from logferry.sls.client import Request
from logferry.sls.consumer_group import ConsumerGroup
from logferry.sls.projects import create_logstore


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A logstore of two shards."""
    with ferry(tmp_path, shards=2) as made:
        yield made


def arrived(boat: Ferry, task: str = "to-hec") -> bool:
    """Whether all that was put is there."""
    return len(boat.received(task)) == boat.total


def proven(boat: Ferry, task: str = "to-hec") -> int:
    """How often a record came again, once all are there and the ledger agrees."""
    eventually(lambda: arrived(boat, task))
    eventually(lambda: all(row.lease is None and row.open is None for row in rows(boat, task)))
    counts = boat.verified(task)
    repeated = sum(boat.received(task).values()) - boat.total
    assert (counts.read, counts.delivered) == (boat.total, boat.total)
    assert repeated <= counts.maybe_repeated
    return repeated


def rows(boat: Ferry, task: str = "to-hec") -> list:  # type: ignore[type-arg]  # rows of the ledger
    """The task's rows."""
    return wiring.workshop(boat.environ).ledger.rows(task)


def group_of(boat: Ferry, name: str = "logferry-to-hec") -> ConsumerGroup:
    """The worker's consumer group."""
    return ConsumerGroup(boat.logstore, name)


def owners(boat: Ferry) -> dict[str, str]:
    """shard -> consumer, as the server's checkpoints say it."""
    return {one.shard: one.consumer for one in group_of(boat).checkpoints()}


def test_a_worker_delivers_and_copies_its_positions_to_the_server(boat: Ferry) -> None:
    """The group is made with twice the heartbeat; checkpoints equal positions, for the vendor's tools to see."""
    boat.hec()
    boat.put(500)
    with worker(boat, "to-hec") as one:
        assert proven(boat) == 0
        boat.put(100)
        assert proven(boat) == 0
        assert [(info.name, info.timeout) for info in group_of(boat).listed()] == [("logferry-to-hec", 2)]
        positions = {row.stream: row.position for row in rows(boat)}
        eventually(lambda: {saved.shard: saved.cursor for saved in group_of(boat).checkpoints()} == positions)
        assert one.stop() == 0


def test_two_workers_share_the_shards_and_the_survivor_takes_all(boat: Ferry) -> None:
    """One owner a shard; after kill -9 the other soon has everything, at most a save interval of it twice."""
    boat.hec(to={"max_records": 20})
    boat.put(400, group=10)
    with worker(boat, "to-hec", name="one") as one, worker(boat, "to-hec", name="two"):
        eventually(lambda: sorted(owners(boat).values()) == ["one", "two"])
        boat.put(4000, group=10)
        eventually(lambda: len(boat.received("to-hec")) > 500)
        one.kill()
        killed = time.monotonic()
        boat.put(400, group=10)
        eventually(lambda: arrived(boat))
        assert time.monotonic() - killed < 15  # two heartbeats are 2 s; the machine may be busy
        eventually(lambda: set(owners(boat).values()) == {"two"})
        proven(boat)


def test_more_workers_than_shards_stand_by(boat: Ferry) -> None:
    """The third takes over when one ends gently; nothing comes twice then."""
    boat.hec()
    boat.put(100)
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(worker(boat, "to-hec", name=name)) for name in ("one", "two", "three")]
        eventually(lambda: len(set(owners(boat).values())) == 2)
        assert proven(boat) == 0
        assert first.stop() == 0
        boat.put(300)
        assert proven(boat) == 0


def test_a_gentle_end_repeats_nothing(boat: Ferry) -> None:
    """SIGTERM in mid-delivery: what is on its way is settled and saved, the next worker goes on from there."""
    boat.hec(to={"max_records": 5, "in_flight": 2}, source={"max_groups": 3})
    boat.put(8000, group=10)
    with worker(boat, "to-hec", name="one") as one:
        eventually(lambda: len(boat.received("to-hec")) > 300)
        assert one.stop() == 0
    assert len(boat.received("to-hec")) < boat.total, "too fast to be stopped half-way"
    assert all(row.lease is None for row in rows(boat))
    with worker(boat, "to-hec", name="two"):
        assert proven(boat) == 0


def test_the_first_start_begins_at_the_servers_checkpoints(boat: Ferry) -> None:
    """Who used the published script goes on where it stopped; later starts know better than the server."""
    boat.put(100, group=50)
    group = group_of(boat, "sync_data")
    group.create()
    ends = {stream: boat.logstore.get_cursor(stream, "end") for stream in ("0", "1")}
    for shard, cursor in ends.items():
        group.save(shard, cursor)
    boat.hec()
    boat.put(60, group=10)
    with worker(boat, "to-hec", environ={"SLS_CG": "sync_data"}):
        eventually(lambda: len(boat.received("to-hec")) == 60)
    assert min(boat.received("to-hec")) == "id-000100"
    for shard, cursor in ends.items():
        group.save(shard, cursor)
    with worker(boat, "to-hec", name="two", environ={"SLS_CG": "sync_data"}):
        boat.put(10)
        eventually(lambda: len(boat.received("to-hec")) == 70)
    assert sum(boat.received("to-hec").values()) == 70


def test_a_file_without_a_source_takes_it_from_the_environment(boat: Ferry) -> None:
    """The environment names of the published scripts are enough."""
    url = boat.hec("other")
    file = boat.folder / "to-splunk.yaml"
    file.write_text(f'task: to-hec\ndestination:\n  splunk_hec: {{url: "{url}", token: "secret://env/HEC_TOKEN"}}\n')
    place = {"SLS_ENDPOINT": boat.address, "SLS_PROJECT": PROJECT}
    assert "source: is missing; write it, or set SLS_LOGSTORE" in refused(boat, str(file), **place)
    boat.put(40)
    with worker(boat, str(file), environ={**place, "SLS_LOGSTORE": LOGSTORE, "SLS_CG": "WAF-SLS"}):
        eventually(lambda: len(boat.received("other")) == 40)
        assert [info.name for info in group_of(boat).listed()] == ["WAF-SLS"]


def test_a_name_in_use_is_refused(boat: Ferry) -> None:
    """The service would hand both the same shards."""
    boat.hec()
    with worker(boat, "to-hec", name="one"):
        said = refused(boat, "to-hec", "--consumer", "one", "--heartbeat", "1")
    assert "consumer 'one' of group logferry-to-hec is in use by process" in said
    assert "another --consumer" in said


def test_the_name_of_a_killed_worker_of_this_host_is_free(boat: Ferry) -> None:
    """Its process is gone, which a restart under a supervisor need not wait for."""
    boat.hec()
    with worker(boat, "to-hec", name="one", heartbeat=30) as one:
        one.kill()
    with worker(boat, "to-hec", name="one", heartbeat=30):
        boat.put(20)
        assert proven(boat) == 0


def test_a_host_with_a_state_table_of_its_own_is_refused(boat: Ferry) -> None:
    """It would deliver everything a second time; the way out is named."""
    boat.hec()
    boat.put(20)
    with worker(boat, "to-hec", name="one"):
        eventually(lambda: arrived(boat))
        eventually(lambda: any(saved.cursor for saved in group_of(boat).checkpoints()))
        other = {**boat.environ, "LOGFERRY_STATE": f"sqlite:{boat.folder}/other.db"}
        shop = wiring.workshop(boat.environ)
        file = boat.folder / "same.json"
        file.write_text(json.dumps(shop.tasks.get("to-hec").spec))
        said = refused(boat, str(file), "--consumer", "two", **other)
    assert "which this state table does not know" in said
    assert "LOGFERRY_STATE=dynamodb:TABLE" in said


def test_paused_resumed_changed(boat: Ferry) -> None:
    """What a person does to a task is noticed without a restart."""
    boat.hec()
    with worker(boat, "to-hec"):
        boat.put(20)
        assert proven(boat) == 0
        shop = wiring.workshop(boat.environ)
        shop.tasks.set_state("to-hec", "offline")
        time.sleep(1)
        boat.put(20)
        time.sleep(1)
        assert len(boat.received("to-hec")) == 20
        shop.tasks.set_state("to-hec", "online")
        assert proven(boat) == 0


def test_a_remade_logstore_is_noticed_while_running(boat: Ferry) -> None:
    """The group is made again, a gap says what was lost, and the new logs are delivered."""
    boat.hec()
    boat.put(30)
    with worker(boat, "to-hec") as one:
        assert proven(boat) == 0
        boat.logstore.client.call(Request("DeleteLogstore", "DELETE", boat.logstore.path))
        eventually(lambda: "LogStoreNotExist" in one.said)
        time.sleep(1.1)  # the service tells two logstores apart by the second in which they were made
        create_logstore(boat.logstore.client, LOGSTORE, shards=2)
        boat.put(40)
        eventually(lambda: arrived(boat))
    assert any("made anew" in gap.note for row in rows(boat) for gap in row.gaps)


def test_shards_are_split_and_merged_under_a_worker(boat: Ferry) -> None:
    """Parents are read to their end before their children; every record arrives once."""
    boat.hec()
    with worker(boat, "to-hec", name="one"), worker(boat, "to-hec", name="two"):
        boat.put(200)
        change(boat, "0", {"action": "split", "key": "40000000000000000000000000000000"})
        boat.put(200)
        change(boat, "2", {"action": "merge"})
        boat.put(200)
        assert proven(boat) == 0
        eventually(lambda: {row.stream for row in rows(boat)} == {"0", "1", "2", "3", "4"})


def test_a_query_is_answered_by_the_service(boat: Ferry) -> None:
    """What it drops is counted as filtered at the source, and the cursor moves on all the same."""
    boat.hec(source={"query": "* | where status = '200' | project id"})
    boat.put(100)
    with worker(boat, "to-hec"):
        eventually(lambda: len(boat.received("to-hec")) == 20)
        eventually(lambda: sum(row.counts.filtered_at_source for row in rows(boat)) == 80)
    assert boat.verified("to-hec").delivered == 20


def change(boat: Ferry, shard: str, params: dict[str, str]) -> None:
    """SplitShard or MergeShards."""
    boat.logstore.client.call(Request("Shards", "POST", f"{boat.logstore.path}/shards/{shard}", params))


def test_a_hanging_destination_costs_the_others_nothing(boat: Ferry) -> None:
    """One accepts and never answers, one refuses, one is healthy and has each record within two intervals or so."""
    with Misbehaving(silence) as deaf:
        boat.hec("healthy")
        for task, url in (("hanging", deaf.url), ("refusing", "http://127.0.0.1:9")):
            boat.apply(task, {"splunk_hec": {"url": url, "token": "secret://env/HEC_TOKEN"}})
        with worker(boat, "hanging", "refusing", "healthy"):
            for _ in range(5):
                boat.put(200)
                eventually(lambda: arrived(boat, "healthy"), seconds=5)
            assert proven(boat, "healthy") == 0
        assert {row.position for row in rows(boat, "hanging")} == {row.start for row in rows(boat, "hanging")}
        assert sum(row.counts.read for row in rows(boat, "refusing")) == 0


def test_the_log_goes_to_a_file_with_the_process_number(boat: Ferry) -> None:
    """Two workers of one folder never write one file."""
    boat.hec()
    with worker(boat, "to-hec", "--log-file", "run.log") as one:
        eventually((boat.folder / f"run_{one.pid}.log").exists)
        lines = (boat.folder / f"run_{one.pid}.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["message"] == "post entered"
    assert one.log.read_text(encoding="utf-8") == ""


def test_metrics_are_served(boat: Ferry) -> None:
    """Counters by fate for Prometheus, and whether the worker lives; a stop is as gentle as without."""
    boat.hec()
    boat.put(50)
    with worker(boat, "to-hec", "--metrics-port", "0") as one:
        assert proven(boat) == 0
        match = re.search(r"metrics on (http://\S+)/metrics", one.said)
        assert match
        text = requests.get(f"{match[1]}/metrics", timeout=10).text
        delivered = re.findall(r'logferry_records_total{fate="delivered".*} ([0-9.]+)', text)
        assert sum(map(float, delivered)) == 50
        assert requests.get(f"{match[1]}/healthz", timeout=10).json() == {"alive": True, "held": []}
        assert one.stop() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "'nowhere' is not a task; known: to-hec"),
        (["to-hec", "to-hec"], "TASK: to-hec is named more than once"),
        (["to-hec", "--group", "a/b"], "--group (SLS_CG): 'a/b' is not a group's name"),
        (["to-hec", "--consumer", "a b"], "--consumer: 'a b' is not 1-200 letters"),
        (["missing.yaml"], "cannot be read: No such file"),
    ],
)
def test_wrong_words_are_told(boat: Ferry, words: list[str], said: str) -> None:
    """Each with what was expected."""
    boat.hec()
    assert said in refused(boat, *words)
