"""A key that ends while several payloads are on their way: it is read again once, for all of them."""

import threading
from collections.abc import Iterator, Mapping

import pytest
from tests.fakes.bucket_server import BucketServer
from tests.fakes.depots import ENVIRON, depot
from tests.fakes.engine import bench, go

from logferry.buckets.keyring import ALIBABA_NAMES, Environ
from logferry.encoders import output
from logferry.job import Job
from logferry.model import Counts
from logferry.plan import Plan
from logferry.sigv4 import Key
from logferry.vault import Secret, Vault

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


def test_a_key_that_two_tasks_share_is_new_for_both(server: BucketServer) -> None:
    """One vault serves all tasks of an instance: whoever reads it again first must not leave the others held."""
    where, environ = bench(8), dict(ENVIRON)
    vault = Vault(environ)
    vault.refresh("secret://env/ID")
    vault.refresh("secret://env/KEY")
    environ |= {"ID": "AKIANEXT", "KEY": "next-secret"}
    both = [depot("s3_compatible", server.address, vault, max_records=4, in_flight=2) for _ in range(2)]
    where.source.batch = 8
    jobs = [Job(f"t{i}", 1, Plan(), output.build(output.Output()), to, circuit="closed") for i, to in enumerate(both)]
    outcomes = go(where, *jobs)
    for to in both:
        to.close()
    assert [(outcome.held, outcome.note) for outcome in outcomes] == [(False, "")] * 2


def test_a_runtimes_key_is_the_one_of_this_call() -> None:
    """Function Compute hands a new one to each call: it is used without a refusal first, which all tasks would meet."""
    environ = dict.fromkeys(ALIBABA_NAMES, "one")
    keys = Environ(Vault(environ), ALIBABA_NAMES)
    keys.current()
    environ |= dict.fromkeys(ALIBABA_NAMES, "two")
    assert keys.current() == Key("two", Secret("two"), Secret("two"))
    assert not keys.renew()
