"""Case in MB of raw logs per CPU-second: posts to an HTTP server, signed and not, beside the same logs to Splunk."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpora, ours, receivers
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale

__all__ = ["http"]

_KEY = "secret://env/BENCH_TOKEN"
_ARRAY = {"prefix": "[", "separator": ",", "suffix": "]"}
# What is compared one to one is gzip of bodies of the same size; the rest tells what the choice costs.
_LIKE_HEC = {"max_records": 5_000, "max_bytes": 1_000_000}


def http(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to bodies; the receiver is another process, the Splunk path posts gzip too."""
    data = corpora.make(corpus, scale.raw)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(receivers.running("http"))

        def bay(name: str, destination: dict[str, object]) -> ours.Bay:
            made = ours.Bay(folder, name, destination)
            stack.callback(made.close)
            return made

        hec = bay("hec", {"splunk_hec": {"url": f"http://127.0.0.1:{port}", "token": _KEY, "sourcetype": "waf"}})
        url = {"url": f"http://127.0.0.1:{port}/in"}
        kinds: dict[str, dict[str, object]] = {
            "gzip": {"compress": "gzip"},
            "gzip, array, signed": {
                "compress": "gzip",
                "output": _ARRAY,
                "auth": {"private_key": "secret://env/BENCH_KEY"},
            },
            "gzip, as HEC packs": {"compress": "gzip", **_LIKE_HEC},
            "zlib": {"compress": "zlib"},
            "snappy": {"compress": "snappy"},
            "zstd": {"compress": "zstd"},
            "none": {},
        }
        bays = {
            kind: bay(f"http-{number}", {"http_server": url | options})
            for number, (kind, options) in enumerate(kinds.items())
        }
        ways = [Way("splunk_hec, gzip", lambda: hec.deliver(data))]
        ways += [Way(f"http_server, {kind}", lambda to=made: to.deliver(data)) for kind, made in bays.items()]  # type: ignore[misc]  # the default binds the loop's value
        wanted = [Wanted(way.name, ways[0].name, 0.8 if "gzip" in way.name else None) for way in ways[1:]]
        return interleave("http", corpus, ways, wanted, scale.rounds)
