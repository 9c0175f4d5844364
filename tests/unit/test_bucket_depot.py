"""The destination over a bucket: what a put carries, what a repeat does, the token's file."""

import zlib
from collections.abc import Iterator

import pytest
import zstandard
from tests.fakes.bucket_server import BucketServer
from tests.fakes.depots import REGIONS, depot, payload

from logferry.errors import ConfigError, Misconfigured, Transient
from logferry.model import Payload

_LINE = {"format": "template", "template": "{a}"}
NAME = "logs/2026/03/25/20260325T081530Z__unit__0__MTc_3D__00000003__195ac066"


@pytest.fixture
def server() -> Iterator[BucketServer]:
    """A service that verifies signatures."""
    made = BucketServer("waf-logs", {"AKIAUNIT": "unit-secret"})
    yield made
    made.close()


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
    assert sorted(server.objects) == [f"{NAME}.ndjson.gz", f"{NAME.replace('03__', '05__')}.ndjson.gz"]


@pytest.mark.parametrize("kind", REGIONS)
@pytest.mark.parametrize("path", ["a b", "ü/é", "a+b&c=d", "q?x#y", "100%41", "it's(*)!", "a%2Fb", "~.x", "a:b@c;d,e$"])
def test_odd_paths_arrive_as_they_are(server: BucketServer, kind: str, path: str) -> None:
    """What has a meaning in URLs is signed and sent once encoded, and stored as it was written."""
    to = depot(kind, server.address, path=path)
    to.send(payload(), 5)
    to.close()
    assert [key.partition("/2026/")[0] for key in server.objects] == [path]


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
