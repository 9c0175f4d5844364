"""The look at a bucket before the first record, and keys that change."""

from collections.abc import Iterator

import pytest
from tests.fakes.bucket_server import BucketServer
from tests.fakes.depots import ENVIRON, REGIONS, depot, payload
from tests.fakes.misbehaving import Misbehaving, answer

from logferry.errors import Misconfigured


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A service that verifies signatures."""
    made = BucketServer("waf-logs", {"AKIAUNIT": "unit-secret"})
    yield made
    made.close()


def test_temporary_credentials_are_sent_and_read_again(server: BucketServer) -> None:
    """The session token goes along; after a rotation `refresh` finds the new key, and the next send works."""
    environ = {**ENVIRON, "KEY": "outdated"}
    to = depot("s3", server.address, environ, session_token="secret://env/TOKEN")
    with pytest.raises(Misconfigured, match="403 SignatureDoesNotMatch"):
        to.send(payload(), 5)
    assert not to.refresh()
    environ |= {"KEY": "unit-secret", "TOKEN": "second-token"}
    assert to.refresh()
    to.send(payload(), 5)
    to.close()
    assert next(iter(server.objects.values())).headers["x-amz-security-token"] == "second-token"


def test_the_check_reads_a_refused_key_again(server: BucketServer) -> None:
    """A task that is held is only checked: a key that was mended, or rotated meanwhile, must end the hold."""
    environ = {**ENVIRON, "KEY": "outdated"}
    to = depot("s3", server.address, environ)
    with pytest.raises(Misconfigured, match="403 SignatureDoesNotMatch"):
        to.check(5)
    environ["KEY"] = "unit-secret"
    to.check(5)
    to.close()


def test_a_bucket_whose_requester_pays_is_refused_with_the_reason() -> None:
    """Scripted, as S3 documents the answer: the local servers do not return a payer."""
    body = b"<?xml?><RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
    with Misbehaving(answer(200, body)) as server:
        to = depot("s3", server.url)
        with pytest.raises(Misconfigured, match=r"Requester Pays is on.*switch it off"):
            to.check(5)
        to.close()
        assert server.requests[0].line.startswith("GET /waf-logs?requestPayment= ")


@pytest.mark.parametrize("kind", REGIONS)
@pytest.mark.parametrize(
    ("status", "code"), [(200, ""), (403, "AccessDenied"), (405, "MethodNotAllowed"), (501, "NotImplemented")]
)
def test_a_key_that_may_only_write_passes_the_check(kind: str, status: int, code: str) -> None:
    """What is not for this key to know, or what a service does not tell, is no reason to refuse the bucket."""
    with Misbehaving(answer(status, f"<Error><Code>{code}</Code></Error>".encode())) as server:
        to = depot(kind, server.url)
        to.check(5)
        to.close()
        assert server.turns == 1


@pytest.mark.parametrize("kind", REGIONS)
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (301, {"x-amz-bucket-region": "ap-south-9"}, b"<Error><Code>PermanentRedirect</Code></Error>"),
        (400, {}, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-south-9</Region></Error>"),
        (301, {}, b"<Code>PermanentRedirect</Code><Endpoint>my-eu-logs.s3.ap-south-9.amazonaws.com</Endpoint>"),
        (403, {}, b"<Error><Code>AccessDenied</Code><Endpoint>oss-ap-south-9.aliyuncs.com</Endpoint></Error>"),
        (403, {"x-amz-bucket-region": "ap-south-9"}, b""),
    ],
)  # fmt: skip
def test_the_right_region_is_told(kind: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """In every way in which services tell it."""
    with Misbehaving(answer(status, body, headers)) as server:
        to = depot(kind, server.url)
        with pytest.raises(Misconfigured, match="write region: ap-south-9"):
            to.check(5)
        to.close()


@pytest.mark.parametrize("kind", REGIONS)
def test_a_bucket_that_is_not_there_is_told(server: BucketServer, kind: str) -> None:
    """Before anything is read."""
    to = depot(kind, server.address, bucket="nowhere")
    with pytest.raises(Misconfigured, match="NoSuchBucket: make the bucket"):
        to.check(5)
    to.close()
