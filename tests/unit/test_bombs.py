"""Small bodies that unpack to gigabytes, at the doors where events bring them; each other door has its own tests."""

import base64
import gzip
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from logferry.doorbells import cloudwatch
from logferry.errors import ConfigError, SourceError
from logferry.sls.compression import MAX_RAW, unpack
from logferry.sources import _bodies, _packed

MOST = 1 << 20


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """200 MB of zeros in 200 kB."""
    return gzip.compress(b"\0" * 200_000_000, 9)


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Bytes that were held at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_an_item_of_a_queue_or_stream_is_unpacked_to_its_limit(bomb: bytes, peak: Callable[[], int]) -> None:
    """It is parked as it came, with the reason."""
    (piece,) = _packed.unpacked(bomb, MOST, lambda body: _packed.records(body, _bodies.Form()))
    assert piece.problem == f"the body unpacks to more than {MOST} bytes"
    assert peak() < 16 * MOST


def test_a_subscription_of_cloudwatch_is_unpacked_to_its_limit(bomb: bytes, peak: Callable[[], int]) -> None:
    """The event is refused; the platform keeps it."""
    with pytest.raises(ConfigError, match=r"awslogs\.data: "):
        cloudwatch.parse({"awslogs": {"data": base64.b64encode(bomb).decode()}})
    assert peak() < 256 * MOST  # 64 MiB are allowed, and held twice for a moment


def test_an_answer_of_the_log_service_is_unpacked_to_what_it_claims(bomb: bytes, peak: Callable[[], int]) -> None:
    """A claim over the limit unpacks nothing; a body that is more than its claim is refused at the claim."""
    with pytest.raises(SourceError, match="is not between 0 and"):
        unpack("gzip", bomb, MAX_RAW + 1)
    with pytest.raises(SourceError, match="says 1000"):
        unpack("gzip", bomb, 1000)
    assert peak() < MOST
