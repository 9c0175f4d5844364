"""What the S3 store promises beyond the contract: faults on the way, advice for a person, addressing."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.fault_proxy import Answer, FaultProxy, HalfAnswer, LostAnswer, fault_proxy

from logferry import objects
from logferry.errors import ConfigError, Misconfigured, StateError
from logferry.objects import Store
from logferry.objects.s3 import S3Store


def _error(code: str, status: int) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml", "x-amz-bucket-region": "eu-west-1"})


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one bucket, behind a proxy that makes faults."""
    with aws_server() as server, fault_proxy(server) as made, pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        requests.put(f"{server}/bucket", timeout=10).raise_for_status()
        yield made


@pytest.fixture
def store(proxy: FaultProxy) -> Store:
    """The bucket, reached through the proxy."""
    proxy.calls.clear()
    proxy.faults.clear()
    return objects.open_store(f"s3:bucket?region=us-east-1&endpoint={proxy.url}")


@pytest.mark.parametrize("fault", [_error("SlowDown", 503), _error("InternalError", 500), LostAnswer()])
def test_passing_fault_is_healed_by_the_sdk(store: Store, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Told to slow down, a 5xx or a connection that breaks: the third attempt of one put passes."""
    proxy.faults.extend([fault, fault])
    store.put(part, b"one")
    assert len(proxy.calls) == 3
    assert store.get(part) == b"one"


@pytest.mark.parametrize("fault", [_error("SlowDown", 503), _error("InternalError", 500), LostAnswer()])
def test_fault_that_stays_is_a_state_error(store: Store, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Three attempts and no more; then it is the caller's to try again."""
    proxy.faults.extend([fault] * 3)
    with pytest.raises(StateError):
        store.put(part, b"one")
    assert len(proxy.calls) == 3


def test_half_an_object_is_a_state_error(store: Store, proxy: FaultProxy, part: str) -> None:
    """An answer that breaks off is never taken for the object."""
    store.put(part, b"one" * 1_000)
    proxy.faults.append(HalfAnswer())
    with pytest.raises(StateError):
        store.get(part)
    assert store.get(part) == b"one" * 1_000


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (_error("AccessDenied", 403), "403 AccessDenied: check the credentials"),
        (_error("SignatureDoesNotMatch", 403), "check the credentials"),
        (_error("NoSuchBucket", 404), "make the bucket"),
        (_error("PermanentRedirect", 301), "set region"),
        (_error("ExpiredToken", 400), "renew the credentials"),
        (_error("RequestTimeTooSkewed", 403), "clock"),
        (_error("SecondLevelDomainForbidden", 403), "style=virtual"),
    ],
)
def test_what_a_person_must_mend_says_how(store: Store, proxy: FaultProxy, answer: Answer, advice: str) -> None:
    """Rights, names and regions are not an absent object: Misconfigured with what to do, for get and put."""
    proxy.faults.extend([answer] * 10)  # the SDK tries the region that the answer names
    with pytest.raises(Misconfigured, match=advice):
        store.put("a", b"one")
    proxy.faults.clear()
    proxy.faults.extend([answer] * 10)
    with pytest.raises(Misconfigured, match=advice):
        store.get("a")


def test_bucket_that_is_not_there(proxy: FaultProxy) -> None:
    """Each call against a wrong bucket name says so; a get is not None."""
    proxy.faults.clear()
    store = objects.open_store(f"s3:nowhere/x?region=us-east-1&endpoint={proxy.url}")
    for call in (lambda: store.get("a"), lambda: store.put("a", b""), lambda: list(store.list(""))):
        with pytest.raises(Misconfigured, match=r"s3:nowhere/x: .*NoSuchBucket: make the bucket"):
            call()


def test_object_over_the_limit_is_not_read(store: Store, proxy: FaultProxy) -> None:
    """What somebody else put there may be larger than memory: refused by its stated length."""
    proxy.faults.append(Answer(200, b"x", {"Content-Length": "99999999999"}))
    with pytest.raises(ConfigError, match="99999999999 bytes is more than"):
        store.get("huge")


def test_prefix_keeps_two_stores_of_a_bucket_apart(proxy: FaultProxy, part: str) -> None:
    """Keys are below the store's prefix, with or without slashes around it, and lists do not show it."""
    proxy.faults.clear()
    one = objects.open_store(f"s3:bucket/{part}/one/?region=us-east-1&endpoint={proxy.url}")
    whole = objects.open_store(f"s3:bucket?region=us-east-1&endpoint={proxy.url}")
    one.put("a", b"1")
    assert list(one.list("")) == ["a"]
    assert list(whole.list(part)) == [f"{part}/one/a"]
    assert whole.get(f"{part}/one/a") == b"1"


@pytest.mark.parametrize(
    ("query", "host", "path"),
    [
        ("", "bucket.s3.eu-west-1.amazonaws.com", "/a"),
        ("&endpoint=https://store.example", "store.example", "/bucket/a"),
        ("&endpoint=https://store.example&style=virtual", "bucket.store.example", "/a"),
        ("&style=path", "s3.eu-west-1.amazonaws.com", "/bucket/a"),
    ],
)
@pytest.mark.usefixtures("proxy")
def test_bucket_is_addressed_as_asked(query: str, host: str, path: str) -> None:
    """AWS takes the bucket in the host name; an endpoint takes it in the path, unless told otherwise."""
    store = objects.open_store(f"s3:bucket?region=eu-west-1{query}")
    assert isinstance(store, S3Store)
    with store._aws.use() as client:
        url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a"}))
    assert (url.netloc, url.path) == (host, path)


def test_put_to_another_service_carries_no_checksum_trailer(store: Store, proxy: FaultProxy, part: str) -> None:
    """Services that do not know the SDK's trailing checksums store them as part of the object: none are sent."""
    store.put(part, b"one")
    assert "aws-chunked" not in proxy.headers[-1].get("Content-Encoding", "")
    assert "X-Amz-Trailer" not in proxy.headers[-1]


@pytest.mark.parametrize("url", ["s3:bucket?style=odd", "s3:bucket/a/../b", "s3:bucket/a//b"])
def test_wrong_place_is_refused_at_once(url: str) -> None:
    """A style nobody knows or a prefix that is no key is told before anything is sent."""
    with pytest.raises(ConfigError):
        objects.open_store(url)
