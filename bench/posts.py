"""Case in MB of raw logs per CPU-second: posts to an HTTP server, signed and not, beside the same logs to Splunk."""

from bench.beside import beside_hec
from bench.measure import Row
from bench.scale import Scale

__all__ = ["http"]

_ARRAY = {"prefix": "[", "separator": ",", "suffix": "]"}
# What is compared one to one is gzip of bodies of the same size; the rest tells what the choice costs.
_LIKE_HEC = {"max_records": 5_000, "max_bytes": 1_000_000}
_KINDS: dict[str, dict[str, object]] = {
    "gzip": {"compress": "gzip"},
    "gzip, array, signed": {"compress": "gzip", "output": _ARRAY, "auth": {"private_key": "secret://env/BENCH_KEY"}},
    "gzip, as HEC packs": {"compress": "gzip", **_LIKE_HEC},
    "zlib": {"compress": "zlib"},
    "snappy": {"compress": "snappy"},
    "zstd": {"compress": "zstd"},
    "none": {},
}


def http(corpus: str, scale: Scale) -> list[Row]:
    """To bodies in each form; the Splunk path posts gzip too."""
    return beside_hec("http", corpus, scale, _forms, "gzip")


def _forms(port: int) -> dict[str, dict[str, object]]:
    url = {"url": f"http://127.0.0.1:{port}/in"}
    return {f"http_server, {kind}": {"http_server": {**url, **options}} for kind, options in _KINDS.items()}
