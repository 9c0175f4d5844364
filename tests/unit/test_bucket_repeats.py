"""What writes an object over and what does not: the engine delivers into a bucket, and again in many ways."""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest
from tests.fakes.bucket_server import BucketServer
from tests.fakes.depots import depot
from tests.fakes.engine import Bench, bench, go, lines

from logferry.encoders import output
from logferry.job import Job
from logferry.ledger import Gap
from logferry.model import Value
from logferry.plan import Plan

Filter = Callable[[Mapping[str, Value]], bool]


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A bucket."""
    made = BucketServer("waf-logs", {})
    yield made
    made.close()


def job(server: BucketServer, passes: Filter | None = None, version: int = 1) -> Job:
    """A task into the bucket, 4 records an object."""
    to = depot("s3_compatible", server.address, max_records=4)
    return Job("t", version, Plan(needs=("m",), test=passes), output.build(output.Output()), to)


def deliver(where: Bench, made: Job) -> None:
    """All that is there, and let go."""
    (outcome,) = go(where, made)
    assert outcome.finished, outcome
    made.destination.close()


def arrived(server: BucketServer) -> Counter[str]:
    """How often each record is in the bucket."""
    bodies = [zlib.decompress(stored.body, 31) for stored in server.objects.values()]
    return Counter(json.loads(line)["m"] for body in bodies for line in body.splitlines())


def is_even(fields: Mapping[str, Value]) -> bool:
    """Every second record, the first among them."""
    return int(str(fields["m"])[1:]) % 2 == 0


def go_back(where: Bench) -> None:
    """As `task seek --to begin`."""
    where.ledger.seek("t", "0", Gap(begin="20", end="0", reason="skipped", at=0))


def test_a_range_that_is_delivered_again_is_there_once(server: BucketServer) -> None:
    """The same task from the same position: the same objects."""
    where = bench(20)
    deliver(where, job(server))
    go_back(where)
    deliver(where, job(server))
    assert arrived(server) == Counter(lines(20))


def test_another_filter_takes_nothing_away_that_was_delivered(server: BucketServer) -> None:
    """Of a task that was changed and sent back; its objects begin at the same records, but are others."""
    where = bench(20)
    deliver(where, job(server))
    go_back(where)
    deliver(where, job(server, is_even, version=2))
    assert set(arrived(server)) == set(lines(20))


def test_a_task_made_anew_takes_nothing_away_that_the_earlier_one_delivered(server: BucketServer) -> None:
    """Same name, same logstore, another filter, from the beginning."""
    where = bench(20)
    deliver(where, job(server))
    where.ledger.delete("t")
    where.ledger.create("t", "0", "0")
    deliver(where, job(server, is_even))
    assert set(arrived(server)) == set(lines(20))
