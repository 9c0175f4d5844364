"""Case in MB of raw logs per CPU-second: from one logstore to another, beside the same logs to Splunk."""

from bench.beside import KEY, beside_hec
from bench.measure import Row
from bench.scale import Scale

__all__ = ["sls"]


def sls(corpus: str, scale: Scale) -> list[Row]:
    """To log groups of 3 MB, as lz4 and zstd."""
    return beside_hec("sls", corpus, scale, _forms, "lz4")


def _forms(port: int) -> dict[str, dict[str, object]]:
    to = {"endpoint": f"http://127.0.0.1:{port}", "project": "central", "logstore": "waf-logs",
          "access_key_id": KEY, "access_key_secret": KEY}  # fmt: skip
    return {f"sls, {kind}": {"sls": {**to, "compression": kind}} for kind in ("lz4", "zstd")}
