"""Cases that need a fresh process: cold start, and memory during one pull of about 10 MB."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import corpora, receivers, stores
from bench.measure import Row, judge
from bench.receivers import ROOT
from bench.scale import Scale

__all__ = ["cold", "memory"]

_FORWARD = (
    "import sys; sys.path[:0] = ['functions/forward']; import app; app.initialize(None); "
    "import logferry.destinations.splunk_hec, logferry.encoders.hec, logferry.transport.compress, logferry.sls.codec\n"
    "from logferry.sls.schema import schema; schema()\n"
)
_SQLITE = "import logferry.state.sqlite, logferry.objects.folder\n"
# The client is what costs, so it is made; nothing is asked of it.
_DYNAMO = (
    "from logferry import aws_client, objects, state\n"
    "state.open_table('dynamodb:t?region=eu-central-1'); import logferry.objects.folder\n"
    "with aws_client.AwsClient('dynamodb', {'region': 'eu-central-1'}, subject='bench', settings={}).use(): pass\n"
)


def cold(_corpus: str, scale: Scale) -> list[Row]:
    """CPU time above a bare interpreter until `forward` could take its first call, in bare starts."""
    codes = {"bare": "pass", "forward, no cloud table": _FORWARD + _SQLITE, "forward, DynamoDB": _FORWARD + _DYNAMO}
    spent: dict[str, list[float]] = {name: [] for name in codes}
    for number in range(scale.starts + 1):
        for name, code in codes.items():
            seconds = _start(code)
            if number:  # the first start writes the bytecode and warms the page cache
                spent[name].append(seconds)
    bare = statistics.median(spent["bare"])
    rows = [Row(case="cold", corpus="", way="bare interpreter", value=bare * 1000, unit="CPU-ms")]
    for name, most in (("forward, no cloud table", 8), ("forward, DynamoDB", 18)):
        above = statistics.median((mine - base) / base for mine, base in zip(spent[name], spent["bare"], strict=True))
        value = statistics.median(spent[name]) * 1000
        modules = _output(codes[name] + "print(len(sys.modules))").strip()
        compared = [judge("x a bare start, on top of it", above, at_most=most)]
        rows.append(
            Row(case="cold", corpus="", way=name, value=value, unit="CPU-ms", compared=compared,
                notes=f"{modules} modules")
        )  # fmt: skip
    return rows


def memory(corpus: str, scale: Scale) -> list[Row]:
    """Peak memory above idle while one pull goes from the embedded log store to Splunk, body and all."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        port = stack.enter_context(receivers.running("http"))
        store = stack.enter_context(stores.filled(Path(folder), corpus, scale.pull))
        command = [sys.executable, "-m", "bench.one_pull", store.address, str(port)]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    found, groups = json.loads(run.stdout), corpora.groups(corpus, scale.pull)
    if found["records"] != sum(logs for _, logs, _ in groups):
        raise RuntimeError(f"other records than were put: {found}")
    mb = found["peak"] - found["idle"]
    compared = [judge("MB above idle", mb, at_most=50)] if scale.pull >= 10_000_000 else []
    raw = sum(size for _, _, size in groups)
    notes = f"{raw / 1e6:.1f} MB of raw logs in {found['pulls']} pull(s), idle at {found['idle']:.0f} MB"
    return [
        Row(case="memory", corpus=corpus, way="logferry, gzip", value=mb, unit="MB", compared=compared, notes=notes)
    ]


def _start(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _output(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _output(code: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=120
    )
    return run.stdout
