"""oss against moto as a far side that checks signatures: the bucket in the host name, the key from the environment.

There is no emulator of OSS that speaks S3's protocol; what is tested is what goes over the wire.
"""

from pathlib import Path

from tests.fakes import shipment
from tests.fakes.buckets import account, records_of
from tests.fakes.ferry import ferry


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(tmp_path: Path) -> None:
    """With the temporary key that a function's role has: all ids, a folder for each shard."""
    with account("") as place:
        role = place.role
        environ = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", role["ID"]),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", role["KEY"]),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", role["TOKEN"]),
        ]
        # A name below localhost needs no resolver; the Host header is `waf-logs.localhost:PORT`.
        endpoint = place.url.replace("127.0.0.1", "localhost")
        to = {"bucket": place.bucket, "region": "us-east-1", "endpoint": endpoint, "date_path": "{stream}/{yyyy}{MM}"}
        with ferry(tmp_path, shards=2, settings=environ) as boat:
            sent = shipment.ship(boat, {"oss": to})
        objects = {
            key: it for key, it in place.objects().items() if not key.endswith(".txt")
        }  # beside the token's file
    ids = [record[shipment.ID_FIELD] for reply in objects.values() for record in records_of(reply["Body"])]
    assert len(ids) == len(sent) == shipment.COUNT
    assert set(ids) == sent
    assert {key.rpartition("/")[0] for key in objects} == {"0/202601", "1/202601"}
