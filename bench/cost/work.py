"""`forward` as it runs on a cloud, counted: embedded log store, DynamoDB's protocol (moto), a collector.

Each call delivers a known part of the logstore. Calls of two sizes tell what a call costs and what a GB costs: the line
through two points. CPU time is this process's, in a run of its own without the proxies that count.
"""

import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lz4.block
from tests.fakes import aws
from tests.fakes.fault_proxy import FaultProxy, fault_proxy

from bench import corpora, receivers, stores
from bench.cost.formula import Work
from logferry import apply, calls, registry, task, wiring
from logferry.runtime import Call
from logferry.sources import Surroundings
from logferry.state import dynamodb
from logferry.vault import Vault

__all__ = ["Idle", "measure"]

_PROJECT, _LOGSTORE = stores.SOURCE["project"], stores.SOURCE["logstore"]
_SMALL, _ROUNDS = 0.1, 3


class Idle(NamedTuple):
    """One call of `sweep` that finds nothing new, for a task with one stream."""

    cpu: float
    asks: float
    reads: float
    writes: float


class _Seen(NamedTuple):
    """One call of `forward`."""

    gb: float
    cpu: float
    counts: Counter[str]


def measure(corpus: str, raw: int) -> tuple[Work, Idle]:
    """With calls of `raw` bytes and of a tenth of that."""
    with tempfile.TemporaryDirectory() as folder:
        plain, _ = _run(Path(folder) / "plain", corpus, raw, counted=False)
        counted, idle = _run(Path(folder) / "counted", corpus, raw, counted=True)
    groups = corpora.groups(corpus, raw)
    packed = len(lz4.block.compress(b"".join(group for group, _, _ in groups))) / sum(size for _, _, size in groups)
    cpu_call, cpu_gb = _line(plain, lambda seen: seen.cpu)
    names = ("pull", "ask", "send", "read", "write")
    of = {name: _line(counted, lambda seen, name=name: seen.counts[name]) for name in names}  # type: ignore[misc]
    work = Work(
        cpu_call=max(cpu_call, 0.0), cpu_gb=cpu_gb, pulls_gb=of["pull"][1], sends_gb=of["send"][1],
        asks_call=max(of["ask"][0] + of["pull"][0] + of["send"][0], 0.0), reads_call=of["read"][0],
        writes_call=of["write"][0], writes_gb=max(of["write"][1], 0.0), packed=packed,
    )  # fmt: skip
    return work, idle


def _line(seen: list[_Seen], value: Callable[[_Seen], float]) -> tuple[float, float]:
    """What a call takes and what a GB takes, from the medians of both sizes."""
    least, most = (min(one.gb for one in seen), max(one.gb for one in seen))
    low, high = (statistics.median(value(one) for one in seen if one.gb == size) for size in (least, most))
    slope = (high - low) / (most - least)
    return low - slope * least, slope


def _run(folder: Path, corpus: str, raw: int, *, counted: bool) -> tuple[list[_Seen], Idle]:
    """A warm instance: the first call of each size is left out."""
    sizes = [size for _ in range(_ROUNDS + 1) for size in (int(raw * _SMALL), raw)]
    with ExitStack() as stack:
        harbour = stack.enter_context(_harbour(folder, counted=counted))
        seen = [harbour.forward(corpus, size) for size in sizes]
        idle = harbour.sweep()
    return seen[2:], idle


class _Harbour:
    """All far sides, and one task."""

    def __init__(self, environ: dict[str, str], store: str, proxies: dict[str, FaultProxy]) -> None:
        self._environ, self._proxies = environ, proxies
        self._logstore = stores.logstore(store)
        self._endpoint = environ["BENCH_STORE"]

    def forward(self, corpus: str, raw: int) -> _Seen:
        """Put that much, ring for it."""
        begin, size = self._logstore.get_cursor("0", "end"), 0
        for group, _, bytes_ in corpora.groups(corpus, raw):
            self._logstore.put_logs(group, "0" + "1" * 31)
            size += bytes_
        source = {"endpoint": self._endpoint, "projectName": _PROJECT, "logstoreName": _LOGSTORE, "shardId": 0}
        event = {"source": {**source, "beginCursor": begin, "endCursor": self._logstore.get_cursor("0", "end")}}
        cpu, counts = self._do(calls.forward, event)
        return _Seen(size / 1e9, cpu, counts)

    def sweep(self) -> Idle:
        """Nothing is new."""
        found = [self._do(calls.sweep, {}) for _ in range(_ROUNDS)]
        counts = found[-1][1]
        return Idle(statistics.median(cpu for cpu, _ in found), counts["ask"], counts["read"], counts["write"])

    def _do(self, function: Callable[[Call], Any], event: object) -> tuple[float, Counter[str]]:
        for proxy in self._proxies.values():
            proxy.calls.clear()
        until = time.monotonic() + 600
        before = time.process_time()
        answer = function(Call(event, "bench", self._environ, lambda: until - time.monotonic()))
        spent = time.process_time() - before
        if not answer["finished"]:
            raise RuntimeError(str(answer))
        return spent, Counter(_kind(name, call) for name, proxy in self._proxies.items() for call in proxy.calls)


def _kind(name: str, call: str) -> str:
    if name == "store":
        return "pull" if "type=log" in call and "count=" in call else "ask"
    if name == "table":
        return "read" if call.rpartition(".")[2] in ("GetItem", "Query") else "write"
    return "send" if call.startswith("POST") else "look"


@contextmanager
def _harbour(folder: Path, *, counted: bool) -> Iterator[_Harbour]:
    """Everything started; `counted`: with a proxy before each far side, which costs this process CPU time."""
    folder.mkdir(parents=True)
    os.environ.update(aws.ENVIRON)  # the SDK looks nowhere else
    with ExitStack() as stack:
        store = stack.enter_context(stores.filled(folder / "store", "waf", 1)).address
        moto = stack.enter_context(aws.aws_server())
        collector = f"http://127.0.0.1:{stack.enter_context(receivers.running('http'))}"
        far = {"store": store, "table": moto, "send": collector}
        proxies = {name: stack.enter_context(fault_proxy(url)) for name, url in far.items()} if counted else {}
        seen = far | {name: proxy.url for name, proxy in proxies.items()}
        environ = {
            **stores.ENVIRON, **aws.ENVIRON, "TOKEN": "11111111-2222-3333-4444-555555555555",
            "BENCH_STORE": seen["store"],
            "LOGFERRY_STATE": f"dynamodb:rows?region=eu-west-1&endpoint={seen['table']}",
            "LOGFERRY_OBJECTS": f"folder:{folder / 'objects'}",
        }  # fmt: skip
        _apply(environ, seen)
        stack.callback(wiring.dismiss)
        yield _Harbour(environ, store, proxies)


def _apply(environ: dict[str, str], seen: dict[str, str]) -> None:
    place = registry.locate("state", environ["LOGFERRY_STATE"])
    dynamodb.create_table(place.location, place.options)
    made = task.load({
        "task": "cost", "source": {"sls": {"endpoint": seen["store"], **stores.SOURCE}},
        "destination": {"splunk_hec": {"url": seen["send"], "token": "secret://env/TOKEN"}},
    })  # fmt: skip
    apply.apply_task(made, wiring.workshop(environ).table, Surroundings(environ, Vault(environ)))
