"""Case in MB of raw logs per CPU-second: objects in a bucket, beside the same logs to Splunk."""

from bench.beside import KEY, beside_hec
from bench.measure import Row
from bench.scale import Scale

__all__ = ["s3"]


def s3(corpus: str, scale: Scale) -> list[Row]:
    """To objects of 4 MB, as gzip, zstd and plain."""
    return beside_hec("s3", corpus, scale, _forms, "gzip")


def _forms(port: int) -> dict[str, dict[str, object]]:
    to = {"bucket": "waf-logs", "region": "eu-west-1", "endpoint": f"http://127.0.0.1:{port}",
          "access_key_id": KEY, "secret_access_key": KEY}  # fmt: skip
    return {f"s3, {kind}": {"s3": {**to, "compress": kind}} for kind in ("gzip", "zstd", "none")}
