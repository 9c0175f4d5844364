"""A fresh process that delivers everything in a logstore to Splunk, and prints its memory before and at the peak.

`python -m bench.one_pull STORE_ADDRESS COLLECTOR_PORT`. It first delivers nothing, with everything imported and the
connections made: that is idle. MB of resident memory; the peak is the kernel's own (Linux: VmHWM, reset before).
"""

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from bench.stores import ENVIRON, SOURCE
from logferry import task
from logferry.delivery import Patience
from logferry.objects import open_store
from logferry.route import run
from logferry.sls.schema import schema
from logferry.state import open_table
from logferry.transport.compress import gzip
from logferry.wiring import Workshop

__all__ = ["main"]


def main(address: str, port: int, folder: Path) -> dict[str, float]:
    """Idle and peak in MB, what was delivered and in how many pulls."""
    environ = {**ENVIRON, "TOKEN": "11111111-2222-3333-4444-555555555555"}
    collector = {"url": f"http://127.0.0.1:{port}", "token": "secret://env/TOKEN"}
    source = {"sls": {"endpoint": address, **SOURCE}}
    made = task.load({"task": "one-pull", "source": source, "destination": {"splunk_hec": collector}})
    shop = Workshop(open_table(f"sqlite:{folder / 'state.db'}"), open_store(f"folder:{folder}")).renewed(environ)
    shop.tasks.apply(made)
    job, logs = shop.job(shop.tasks.get("one-pull")), shop.source(made)
    until = time.monotonic() + 300
    desk = shop.desk(logs, Patience(lambda: until - time.monotonic(), time.time, time.sleep, random.random))
    (stream,) = logs.streams()
    run([job], stream, logs.position("0", "begin"), desk)
    job.reach(10.0)
    schema()
    gzip(b"")
    idle = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    (outcome,) = run([job], stream, logs.position("0", "end"), desk)
    peak = _memory("VmHWM")
    job.destination.close()
    counts = outcome.counts
    if not outcome.finished or counts.delivered != counts.read or not counts.read:
        raise RuntimeError(str(outcome))
    return {"idle": idle, "peak": peak, "records": counts.read, "pulls": outcome.effort.batches}


def _memory(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"{name}: not told by this system (Linux is needed)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(place))))
