"""s3 against moto, which checks every signature and every right."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.fakes import shipment
from tests.fakes.buckets import Account, account, records_of
from tests.fakes.ferry import ferry

from logferry import registry
from logferry.config import load
from logferry.destinations import Destination, Surroundings
from logferry.errors import Misconfigured
from logferry.model import Origin, Payload
from logferry.vault import Vault

KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
PAYLOAD = Payload([b'{"a":1}'], [0], b'{"a":1}\n', Origin("0", "MTc=", 1774426530))


@pytest.fixture(scope="module")
def place() -> Iterator[Account]:
    """One account for all of these; tests keep apart by their path."""
    with account("esa/") as made:
        yield made


def destination(place: Account, environ: Mapping[str, str], **options: object) -> Destination:
    """The bucket as a task sees it."""
    module = registry.find("destinations", "s3")
    given = {"bucket": place.bucket, "path": "esa", "region": "us-east-1", "endpoint": place.url, **KEYS, **options}
    made: Destination = module.build(load(module.Config, given), Surroundings("t", Vault(environ)))
    return made


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(place: Account, tmp_path: Path) -> None:
    """With a key that may only put below the path: all ids, in gzip objects below the day of the records."""
    to = {"bucket": place.bucket, "path": "esa/waf", "region": "us-east-1", "endpoint": place.url, **KEYS}
    with ferry(tmp_path, shards=2, settings=list(place.writer.items())) as boat:
        sent = shipment.ship(boat, {"s3": to})
    found = {key: reply for key, reply in place.objects().items() if key.startswith("esa/waf/")}
    objects = {key: reply for key, reply in found.items() if not key.endswith(".txt")}  # beside the token's file
    ids = [record[shipment.ID_FIELD] for reply in objects.values() for record in records_of(reply["Body"])]
    assert len(ids) == len(sent) == shipment.COUNT
    assert set(ids) == sent
    name = re.compile(
        r"esa/waf/2026/01/01/20260101T00\d{4}Z__shipment__[01]__[A-Za-z0-9_-]+__\d{8}__[0-9a-f]{8}\.ndjson\.gz"
    )
    assert all(map(name.fullmatch, objects))
    assert {reply["ContentType"] for reply in objects.values()} == {"application/gzip"}
    assert all("ContentEncoding" not in reply for reply in objects.values())


def test_a_repeat_is_the_same_object(place: Account) -> None:
    """As the bucket's owner sees it."""
    to = destination(place, place.writer, path="esa/repeat")
    to.send(PAYLOAD, 10)
    to.send(PAYLOAD, 10)
    to.close()
    assert len([key for key in place.objects() if key.startswith("esa/repeat/")]) == 1


def test_an_odd_path_arrives_as_it_is(place: Account) -> None:
    """What has a meaning in URLs, as moto verifies and stores it."""
    path = "esa/a b+c&d=e?f#g%41ü"
    to = destination(place, place.writer, path=path)
    to.send(PAYLOAD, 10)
    to.close()
    assert any(key.startswith(f"{path}/2026/") for key in place.objects())


def test_encryption_and_storage_class_arrive(place: Account) -> None:
    """moto keeps what was asked for."""
    to = destination(
        place, place.writer, path="esa/kept", encryption="sse_kms", kms_key_id="alias/waf", storage_class="STANDARD_IA"
    )
    to.send(PAYLOAD, 10)
    to.close()
    (kept,) = (reply for key, reply in place.objects().items() if key.startswith("esa/kept/"))
    assert (kept["ServerSideEncryption"], kept["SSEKMSKeyId"]) == ("aws:kms", "alias/waf")
    assert kept["StorageClass"] == "STANDARD_IA"


def test_what_a_bucket_policy_denies_is_told_with_its_likely_causes(place: Account) -> None:
    """moto weighs no conditions, so this policy denies all; one that demands encryption answers the same."""
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{place.bucket}/esa/denied/*",
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    place.client.put_bucket_policy(Bucket=place.bucket, Policy=policy)
    to = destination(place, place.writer, path="esa/denied")
    with pytest.raises(Misconfigured, match=r"HTTP 403: .* wants `encryption`.*Requester Pays"):
        to.send(PAYLOAD, 10)
    to.close()
    place.client.delete_bucket_policy(Bucket=place.bucket)


def test_sse_s3_arrives(place: Account) -> None:
    """What ESA calls "SSE-S3 required by the bucket policy": each put asks for AES256."""
    to = destination(place, place.writer, path="esa/sse", encryption="sse_s3")
    to.send(PAYLOAD, 10)
    to.close()
    (kept,) = (reply for key, reply in place.objects().items() if key.startswith("esa/sse/"))
    assert kept["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"KEY": "not-the-secret"}, "403 SignatureDoesNotMatch: the secret access key"),
        ({"ID": "AKIANOBODY0000000000"}, "403 InvalidAccessKeyId"),
    ],
)
def test_a_wrong_key_is_told_by_check_and_by_send(place: Account, change: dict[str, str], says: str) -> None:
    """A person must act, and nothing was stored."""
    to = destination(place, {**place.writer, **change}, path="esa/wrong")
    with pytest.raises(Misconfigured, match=says):
        to.check(10)
    with pytest.raises(Misconfigured, match=says):
        to.send(PAYLOAD, 10)
    to.close()
    assert not [key for key in place.objects() if key.startswith("esa/wrong/")]


def test_a_path_that_the_policy_denies_is_told(place: Account) -> None:
    """The check cannot know it without writing; the first put says what to grant."""
    to = destination(place, place.writer, path="other")
    to.check(10)
    with pytest.raises(Misconfigured, match="403 AccessDenied: grant s3:PutObject on the path"):
        to.send(PAYLOAD, 10)
    to.close()


def test_a_bucket_that_is_not_there_is_told(place: Account) -> None:
    """To whoever may see it."""
    to = destination(place, place.owner, bucket="no-such-bucket")
    with pytest.raises(Misconfigured, match="404 NoSuchBucket: make the bucket"):
        to.check(10)
    to.close()


def test_temporary_credentials_are_enough(place: Account) -> None:
    """Those of a role, with their session token; without it the key is refused."""
    to = destination(place, place.role, path="esa/role", session_token="secret://env/TOKEN")
    to.send(PAYLOAD, 10)
    to.close()
    assert any(key.startswith("esa/role/") for key in place.objects())


def test_the_ownership_token_is_placed_and_read_back_by_the_owner(place: Account) -> None:
    """Placed with the right to put, read with the owner's key."""
    placing = destination(place, place.writer, path="esa/own")
    key = placing.place_token("ownership-challenge-1.txt", "abc\n", 10)  # type: ignore[attr-defined]  # of buckets
    with pytest.raises(Misconfigured, match="AccessDenied"):
        placing.read_token(key, 10)  # type: ignore[attr-defined]  # of buckets
    placing.close()
    reading = destination(place, place.owner)
    assert reading.read_token(key, 10) == "abc\n"  # type: ignore[attr-defined]  # of buckets
    reading.close()
