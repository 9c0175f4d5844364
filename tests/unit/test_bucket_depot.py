"""The destination over a bucket: what a put carries, what a repeat does, the token's file, the look before."""

import zlib
from collections.abc import Iterator, Mapping

import pytest
import zstandard
from tests.fakes.bucket_server import BucketServer
from tests.fakes.misbehaving import Misbehaving, answer

from logferry import registry
from logferry.buckets.depot import Depot
from logferry.config import load
from logferry.destinations import Surroundings
from logferry.errors import ConfigError, Misconfigured, Transient
from logferry.model import Origin, Payload
from logferry.vault import Vault

ENVIRON = {"ID": "AKIAUNIT", "KEY": "unit-secret", "TOKEN": "unit-token"}
KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
REGIONS = {"s3": {"region": "eu-west-1"}, "oss": {"region": "cn-hangzhou"}, "s3_compatible": {"addressing": "path"}}
_LINE = {"format": "template", "template": "{a}"}
NAME = "logs/2026/03/25/20260325T081530Z__unit__0__MTc_3D__00000003"


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A service that verifies signatures."""
    made = BucketServer("waf-logs", {"AKIAUNIT": "unit-secret"})
    yield made
    made.close()


def depot(kind: str, endpoint: str, environ: Mapping[str, str] | None = None, **options: object) -> Depot:
    """The destination of that kind; options that are None are left out."""
    module = registry.find("destinations", kind)
    given = {"bucket": "waf-logs", "path": "logs", "endpoint": endpoint, **KEYS, **REGIONS[kind], **options}
    config = load(module.Config, {name: value for name, value in given.items() if value is not None})
    made = module.build(config, Surroundings("unit", Vault(environ or ENVIRON)))
    assert isinstance(made, Depot)
    return made


def payload(text: bytes = b'{"a":1}\n{"a":2}\n', first: int = 3) -> Payload:
    """Two records of a batch."""
    return Payload(text.splitlines(), [first, first + 1], text, Origin("0", "MTc=", 1774426530))


@pytest.mark.parametrize("kind", REGIONS)
def test_a_payload_is_one_object_named_by_its_origin(server: BucketServer, kind: str) -> None:
    """gzip by default, said by name and type, and no Content-Encoding that would make a client inflate it."""
    to = depot(kind, server.address)
    to.send(payload(), 5)
    to.close()
    ((key, stored),) = server.objects.items()
    assert key == f"{NAME}.ndjson.gz"
    assert zlib.decompress(stored.body, 31) == payload().body
    assert stored.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in stored.headers


@pytest.mark.parametrize(
    ("options", "extension", "content_type"),
    [
        ({"compress": "none"}, ".ndjson", "application/x-ndjson"),
        ({"compress": "no", "output": {"format": "csv", "columns": ["a"]}}, ".csv", "text/csv; charset=utf-8"),
        ({"compress": "none", "output": _LINE}, ".log", "text/plain; charset=utf-8"),
        ({"compress": "none", "output": {"prefix": "[", "separator": ",", "suffix": "]"}}, ".json", "application/json"),
        ({"compress": "zstd"}, ".ndjson.zst", "application/zstd"),
        ({"output": {"format": "csv", "columns": ["a"]}}, ".csv.gz", "application/gzip"),
    ],
    ids=str,
)  # fmt: skip
def test_name_and_type_say_what_is_inside(
    server: BucketServer, options: dict[str, object], extension: str, content_type: str
) -> None:
    """The form of the records, then the compression."""
    to = depot("s3_compatible", server.address, None, **options)
    to.send(payload(), 5)
    to.close()
    ((key, stored),) = server.objects.items()
    assert (key, stored.headers["content-type"]) == (NAME + extension, content_type)
    body = zstandard.ZstdDecompressor().decompress(stored.body) if extension.endswith(".zst") else stored.body
    assert extension.endswith(".gz") or body == payload().body


@pytest.mark.parametrize("kind", REGIONS)
@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {}),
        ({"encryption": "sse_s3"}, {"x-amz-server-side-encryption": "AES256"}),
        ({"encryption": "sse_kms"}, {"x-amz-server-side-encryption": "aws:kms"}),
        (
            {"encryption": "sse_kms", "kms_key_id": "alias/waf"},
            {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "alias/waf"},
        ),
        ({"storage_class": "STANDARD_IA"}, {"x-amz-storage-class": "STANDARD_IA"}),
    ],
    ids=str,
)
def test_encryption_and_storage_class_are_asked_for(
    server: BucketServer, kind: str, options: dict[str, object], headers: dict[str, str]
) -> None:
    """With each object and the token's file, signed; without the options, none of it."""
    to = depot(kind, server.address, None, **options)
    to.send(payload(), 5)
    to.place_token("ownership-challenge-x.txt", "t", 5)
    to.close()
    assert len(server.objects) == 2
    for stored in server.objects.values():
        asked = ("x-amz-server-side-encryption", "x-amz-storage-class")
        assert {name: value for name, value in stored.headers.items() if name.startswith(asked)} == headers


def test_a_repeat_writes_the_same_object_over(server: BucketServer) -> None:
    """Byte for byte; another part of the batch is another object."""
    to = depot("s3", server.address)
    for first in (3, 3, 5):
        to.send(payload(first=first), 5)
    to.close()
    assert server.puts == 3
    assert sorted(server.objects) == [f"{NAME}.ndjson.gz", f"{NAME[:-1]}5.ndjson.gz"]


def test_no_records_make_no_object(server: BucketServer) -> None:
    """Nothing to send is nothing sent."""
    to = depot("s3", server.address)
    to.send(Payload([], [], b""), 5)
    to.close()
    assert server.puts == 0


@pytest.mark.parametrize(
    ("path", "key"), [("logs", "logs/token-1.txt"), (None, "token-1.txt"), ("{task}", "unit/token-1.txt")]
)
def test_a_token_is_placed_in_the_path_and_read_back(server: BucketServer, path: str | None, key: str) -> None:
    """Above the folders of dates, as plain text; its key is what a person looks for."""
    to = depot("s3_compatible", server.address, path=path)
    assert to.place_token("token-1.txt", "abc\n", 5) == key
    assert server.objects[key].headers["content-type"].startswith("text/plain")
    assert to.read_token(key, 5) == "abc\n"
    with pytest.raises(Misconfigured, match="404 NoSuchKey: there is no such object"):
        to.read_token("logs/other.txt", 5)
    to.close()


@pytest.mark.parametrize("name", ["", "../x.txt", "a/b.txt", ".hidden", "a b", "a\n", "é.txt", "x" * 201])
def test_a_token_file_cannot_be_put_elsewhere(server: BucketServer, name: str) -> None:
    """Its name is a name, not a path."""
    to = depot("s3_compatible", server.address)
    with pytest.raises(ConfigError, match="token file"):
        to.place_token(name, "t", 5)
    to.close()
    assert server.puts == 0


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


def test_no_time_is_no_request(server: BucketServer) -> None:
    """A send without time left says that nothing was sent."""
    to = depot("s3", server.address)
    with pytest.raises(Transient, match="nothing was sent") as caught:
        to.send(payload(), 0)
    to.close()
    assert not caught.value.in_doubt
    assert server.puts == 0


def test_s3_gets_a_checksum_that_it_keeps_and_others_get_none(server: BucketServer) -> None:
    """Buckets with object lock demand one; other services may not know it."""
    for kind, wanted in (("s3", True), ("oss", False), ("s3_compatible", False)):
        to = depot(kind, server.address)
        to.send(payload(), 5)
        to.close()
        (stored,) = server.objects.values()
        assert ("x-amz-checksum-sha256" in stored.headers) is wanted
