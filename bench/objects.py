"""Case in MB of raw logs per CPU-second: objects in a bucket, beside the same logs to Splunk."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpora, ours, receivers
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale

__all__ = ["s3"]

_KEY = "secret://env/BENCH_TOKEN"


def s3(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to objects of 4 MB, as gzip, zstd and plain; the service is another process."""
    data = corpora.make(corpus, scale.raw)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(receivers.running("http"))

        def bay(name: str, destination: dict[str, object]) -> ours.Bay:
            made = ours.Bay(folder, name, destination)
            stack.callback(made.close)
            return made

        hec = bay("hec", {"splunk_hec": {"url": f"http://127.0.0.1:{port}", "token": _KEY, "sourcetype": "waf"}})
        to = {"bucket": "waf-logs", "region": "eu-west-1", "endpoint": f"http://127.0.0.1:{port}",
              "access_key_id": _KEY, "secret_access_key": _KEY}  # fmt: skip
        bays = {kind: bay(f"s3-{kind}", {"s3": {**to, "compress": kind}}) for kind in ("gzip", "zstd", "none")}
        ways = [Way("splunk_hec, gzip", lambda: hec.deliver(data))]
        ways += [Way(f"s3, {kind}", lambda to=made: to.deliver(data)) for kind, made in bays.items()]  # type: ignore[misc]  # the default binds the loop's value
        wanted = [Wanted(way.name, ways[0].name, 0.8 if way.name == "s3, gzip" else None) for way in ways[1:]]
        return interleave("s3", corpus, ways, wanted, scale.rounds)
