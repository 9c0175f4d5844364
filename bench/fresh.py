"""What needs a fresh process: memory during one pull of about 10 MB."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import corpora, receivers, stores
from bench.measure import Row, judge
from bench.receivers import ROOT
from bench.scale import Scale

__all__ = ["memory"]


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
