"""The source `objects` from end to end: a bucket, the functions, a receiver; kills, and a receiver that is down."""

import gzip
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.landing import Landing, landing

from logferry import wiring
from logferry.apply import apply, delete
from logferry.errors import ConfigError, Transient
from logferry.sources import Surroundings
from logferry.vault import Vault

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """S3, as moto speaks it."""
    with pytest.MonkeyPatch.context() as environ:
        for variable, value in ENVIRON.items():
            environ.setenv(variable, value)
        with aws_server() as endpoint:
            yield endpoint


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Landing]:
    """The same over a folder and over S3."""
    if request.param == "folder":
        with landing(tmp_path) as made:
            yield made
        return
    endpoint, name = request.getfixturevalue("aws"), f"landing-{uuid.uuid4().hex[:8]}"
    requests.put(f"{endpoint}/{name}", timeout=10).raise_for_status()
    with landing(tmp_path, f"s3:{name}?region=us-east-1&endpoint={endpoint}", name) as made:
        yield made


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Landing]:
    """Over a folder, saving after each part."""
    with landing(tmp_path, LOGFERRY_SAVE_SECONDS="0") as made:
        yield made


def ids(count: int, first: int = 0) -> set[str]:
    """What numbered objects hold."""
    return {f"id-{number:06d}" for number in range(first, first + count)}


def test_thousands_of_records_in_packed_objects_arrive_once(place: Landing) -> None:
    """Five objects, one of them with a name that events encode; each record is there, once, and a recount agrees."""
    place.apply()
    for number in range(5):
        answer = place.forward(place.numbered(f"logs/day 1/a+b%{number}.gz", number * 1_000, 1_000))
        assert answer["finished"] is True
        assert answer["objects"]["noted"] == 1
    received = place.received()
    assert set(received) == ids(5_000)
    assert set(received.values()) == {1}
    counts = place.verified()
    assert (counts.read, counts.delivered, counts.maybe_repeated) == (5_000, 5_000, 0)


def test_a_repeated_event_and_a_new_put(place: Landing) -> None:
    """The same etag is passed over and counted; other content under the same key is delivered."""
    place.apply()
    event = place.numbered("logs/a.gz", 0, 10)
    place.forward(event)
    assert place.forward(event)["objects"] == {"noted": 0, "known": 0, "done": 1, "passed_over": 0}
    place.forward(place.numbered("logs/a.gz", 10, 10))
    assert set(place.received().values()) == {1}
    assert set(place.received()) == ids(20)


def test_a_receiver_that_is_down_costs_nothing(place: Landing) -> None:
    """The event is answered, since all is noted; once the receiver is back, a sweep delivers."""
    place.apply(to={"timeout": "1s"})
    sink = place.sinks["t"]
    port = int(sink.address.rpartition(":")[2])
    sink.close()
    answer = place.forward(place.numbered("logs/a.gz", 0, 300), seconds=6)
    assert answer["finished"] is False
    assert "due" in answer["unfinished"]["t/due"]
    place.open_sink("t", port)
    place.rest_is_over()
    place.until_done()
    assert set(place.received()) == ids(300)
    assert place.verified().delivered == 300


def test_cloudtrail_with_records_that_cannot_be_read(place: Landing) -> None:
    """An array under Records; a broken one among them is parked, and the counts add up."""
    place.apply(format="json", envelope="Records", time_field="eventTime")
    records: list[Any] = [{"id": f"id-{i:06d}", "eventTime": "2026-01-01T00:00:00Z"} for i in range(50)]
    records.insert(7, "not an object")
    body = gzip.compress(json.dumps({"Records": records}).encode())
    place.forward(place.put("logs/trail.json.gz", body))
    assert set(place.received()) == ids(50)
    counts = place.verified()
    assert (counts.read, counts.delivered, counts.parked) == (51, 50, 1)


# `errand`: the first object was taken, marked as done, is not due any more; then the second one.
@pytest.mark.parametrize(
    ("step", "count"),
    [(step, count) for step in ("sent", "saving", "saved") for count in (1, 6)] + [("errand", n) for n in (1, 2, 3, 5)],
)
def test_killed_on_the_way(yard: Landing, step: str, count: int) -> None:
    """kill -9 at any step: nothing is lost, and no more than a save interval is repeated, which was foretold."""
    yard.apply(to={"max_records": 30})
    yard.forward({"Records": [{**yard.numbered("logs/a.gz", 0, 500)["Records"][0]}]}, seconds=0)
    yard.forward(yard.numbered("logs/b.gz", 500, 500), seconds=0)
    assert yard.die(step, count) == -9
    yard.until_done()
    received = yard.received()
    assert set(received) == ids(1_000)
    counts = yard.verified()
    assert (counts.read, counts.delivered) == (1_000, 1_000)
    repeated = sum(received.values()) - 1_000
    assert repeated <= min(100, counts.maybe_repeated)


def test_sweeps_at_once_share_the_objects(tmp_path: Path) -> None:
    """Four processes over the same forty objects: each record is there once, and the slots add up."""
    with landing(tmp_path, LOGFERRY_LEASE_SECONDS="60") as yard:
        yard.apply()
        for number in range(40):
            yard.forward(yard.numbered(f"logs/{number}.gz", number * 50, 50), seconds=0)
        command = [sys.executable, "-m", "tests.fakes.mortal", "never", "1"]
        processes = [subprocess.Popen(command, cwd=ROOT, env=yard.environ) for _ in range(4)]
        assert [process.wait(60) for process in processes] == [0] * 4
        yard.until_done()
        received = yard.received()
        assert set(received) == ids(2_000)
        assert set(received.values()) == {1}
        assert yard.verified().delivered == 2_000


def test_killed_between_parking_and_saving(yard: Landing) -> None:
    """A dead letter that was written before the kill is not counted twice."""
    yard.apply()
    lines = b"".join(b'{"id":"id-%06d"}\n' % i for i in range(100))
    yard.forward(yard.put("logs/a", lines + b"broken\n"), seconds=0)
    assert yard.die("parked", 1) == -9
    yard.until_done()
    counts = yard.verified()
    assert (counts.read, counts.delivered, counts.parked) == (101, 100, 1)


def test_a_task_that_would_read_what_it_writes_is_refused(tmp_path: Path) -> None:
    """The same bucket, and one path below the other; its dead letters too. Another path is right."""
    environ = {"LOGFERRY_STATE": f"sqlite:{tmp_path}/state.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/objects"}
    table = wiring.open_table(environ)

    def put_to_work(prefix: str, path: str) -> None:
        document = {
            "task": "loop", "source": {"objects": {"bucket": "s3:logs?region=eu-west-1", "prefix": prefix}},
            "destination": {"s3": {"bucket": "logs", "region": "eu-west-1", "path": path, "endpoint": NOBODY}},
        }  # fmt: skip
        apply(json.dumps(document), table, Surroundings(environ, Vault(environ)))

    try:
        for prefix, path in (("", "out"), ("out/", "out"), ("out", "out/a"), ("out/loop/x", "out/{task}"), ("a", "")):
            with pytest.raises(ConfigError, match=r"would be read from logs/.* again, and again"):
                put_to_work(prefix, path)
        environ["LOGFERRY_OBJECTS"] = "s3:logs/in/dead?region=eu-west-1"
        with pytest.raises(ConfigError, match="LOGFERRY_OBJECTS: what is written to logs/in/dead/"):
            put_to_work("in/", "out")
        environ["LOGFERRY_OBJECTS"] = f"folder:{tmp_path}/objects"
        with pytest.raises(Transient, match="stays pending"):  # nobody is there to take the token
            put_to_work("in/", "out")
    finally:
        table.close()


def test_a_task_that_is_deleted_and_made_again_begins_anew(yard: Landing) -> None:
    """Nothing of the first one's objects counts as done."""
    yard.apply()
    event = yard.numbered("logs/a.gz", 0, 10)
    yard.forward(event)
    delete("t", wiring.workshop(yard.environ).table, lambda: 0.0)
    yard.apply()
    yard.forward(event)
    assert set(yard.received().values()) == {2}
