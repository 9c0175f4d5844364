"""What the adapters of `s3`, `oss` and `s3_compatible` share: one service, which verifies signatures."""

import re

from tests.fakes.bucket_server import BucketServer

from faults.adapters import Address, Way
from logferry_local.sinks import Place

__all__ = ["ENVIRON", "identity", "options", "sink", "way"]

ENVIRON = {"BUCKET_KEY_ID": "AKIAMATRIX", "BUCKET_KEY": "matrix-secret"}
_BUCKET = "matrix-logs"
_ID = re.compile(rb"id-\d{6}")


def way(kind: str) -> Way:
    """The way to that destination."""
    return Way(kind, kind, "answer", frozenset({"put", "tls"}), family="buckets")


def sink(place: Place, way: Way) -> BucketServer:  # noqa: ARG001  # there is one way
    """Takes what is signed with our key only, and no object that a large record is in. Its file: all objects' lines."""
    keys = {ENVIRON["BUCKET_KEY_ID"]: ENVIRON["BUCKET_KEY"]}
    return BucketServer(_BUCKET, keys, out=place.out, max_bytes=3_300)


def options(address: Address, **more: object) -> dict[str, object]:
    """Four objects to a batch, plain, so that the front can look into them."""
    scheme, trust = ("https", {"ca_file": address.ca_file}) if address.ca_file else ("http", {})
    return {
        "endpoint": f"{scheme}://{address.host}:{address.port}", "bucket": _BUCKET, "compress": "none",
        "access_key_id": "secret://env/BUCKET_KEY_ID", "secret_access_key": "secret://env/BUCKET_KEY",
        "max_records": 25, "timeout": address.timeout, **trust, **more,
    }  # fmt: skip


def identity(line: bytes) -> str | None:
    """A record that is in an object came whole."""
    found = _ID.search(line)
    return found[0].decode() if found else None
