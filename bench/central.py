"""Case in MB of raw logs per CPU-second: from one logstore to another, beside the same logs to Splunk."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpora, ours, receivers
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale

__all__ = ["sls"]

_KEY = "secret://env/BENCH_TOKEN"


def sls(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to log groups of 3 MB, as lz4 and zstd; the service is another process."""
    data = corpora.make(corpus, scale.raw)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(receivers.running("http"))

        def bay(name: str, destination: dict[str, object]) -> ours.Bay:
            made = ours.Bay(folder, name, destination)
            stack.callback(made.close)
            return made

        hec = bay("hec", {"splunk_hec": {"url": f"http://127.0.0.1:{port}", "token": _KEY, "sourcetype": "waf"}})
        to = {"endpoint": f"http://127.0.0.1:{port}", "project": "central", "logstore": "waf-logs",
              "access_key_id": _KEY, "access_key_secret": _KEY}  # fmt: skip
        bays = {kind: bay(f"sls-{kind}", {"sls": {**to, "compression": kind}}) for kind in ("lz4", "zstd")}
        ways = [Way("splunk_hec, gzip", lambda: hec.deliver(data))]
        ways += [Way(f"sls, {kind}", lambda to=made: to.deliver(data)) for kind, made in bays.items()]  # type: ignore[misc]  # the default binds the loop's value
        wanted = [Wanted(way.name, ways[0].name, 0.8 if way.name == "sls, lz4" else None) for way in ways[1:]]
        return interleave("sls", corpus, ways, wanted, scale.rounds)
