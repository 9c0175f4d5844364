"""A key that ends while several payloads are on their way: it is read again once, for all of them."""

import threading
from collections.abc import Iterator, Mapping

import pytest
from tests.fakes.bucket_server import BucketServer
from tests.fakes.depots import ENVIRON, depot
from tests.fakes.engine import bench, go

from logferry.encoders import output
from logferry.job import Job
from logferry.model import Counts
from logferry.plan import Plan

AT_ONCE = 4


class _Together(BucketServer):
    """Answers the first requests once all of them are there."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._barrier = threading.Barrier(AT_ONCE, timeout=10)
        self._left = AT_ONCE
        super().__init__("waf-logs", keys)

    def verify(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """As ever, but together."""
        if self._left:
            self._barrier.wait()
            self._left = 0
        super().verify(method, target, headers, body)


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A bucket that knows the next key only."""
    made = _Together({"AKIANEXT": "next-secret"})
    yield made
    made.close()


def test_all_that_were_refused_with_the_old_key_go_again_with_the_new_one(server: BucketServer) -> None:
    """Only one of them finds that the key has changed; the others must not hold the task for that."""
    where, environ = bench(16), dict(ENVIRON)
    to = depot("s3_compatible", server.address, environ, max_records=4, in_flight=AT_ONCE)
    to.refresh()
    environ |= {"ID": "AKIANEXT", "KEY": "next-secret"}
    made = Job("t", 1, Plan(), output.build(output.Output()), to, circuit="closed")
    where.source.batch = 16
    (outcome,) = go(where, made)
    to.close()
    assert (outcome.held, outcome.note) == (False, "")
    assert outcome.counts == Counts(read=16, delivered=16)
    assert len(server.objects) == AT_ONCE
