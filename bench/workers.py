"""Cases with `logferry run` itself: speed of one and of two, memory under a destination that hangs, isolation.

CPU is the workers' own, from /proc: the log store and the receiver, on the same two cores, are not counted.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import corpora, receivers, stores
from bench.measure import Row, interleave, judge
from bench.rates import flatten
from bench.scale import Scale
from bench.worker_site import Site, Spent

__all__ = ["hanging", "isolation", "speed"]

_SHARDS = 2
_INTERVAL = 1.0  # seconds: the worker's default
_SETTLE = 8.0


def speed(corpus: str, scale: Scale) -> list[Row]:
    """One worker on two shards beside the SDK's bare flatten; two workers on the same shards beside one."""
    [sdk] = interleave("worker", corpus, [flatten(corpora.make(corpus, scale.raw))], [], scale.rounds)
    with ExitStack() as stack:
        one, raw = _rate(stack, corpus, scale, 1)
        two, _ = _rate(stack, corpus, scale, 2)
    aim = {"at_least": 0.7} if corpus == "waf" else {}
    share = 10 / one * 100
    compared = [judge(sdk.way, one / sdk.value, **aim)]
    notes = f"{raw / 1e6:.0f} MB; 10 MB/s take {share:.0f} % of a core, 100 MB/s {share / 10:.1f} cores"
    return [
        sdk,
        Row(case="worker", corpus=corpus, way="logferry run, one", value=one, unit="MB/CPU-s", compared=compared,
            notes=notes),
        Row(case="worker", corpus=corpus, way="logferry run, two", value=two, unit="MB/CPU-s",
            compared=[judge("logferry run, one", two / one, at_least=1.6)], notes="both rates added, a core each"),
    ]  # fmt: skip


def hanging(corpus: str, scale: Scale) -> list[Row]:
    """Memory of a worker whose collector takes connections and never answers a request."""
    with ExitStack() as stack:
        site, _, _ = _site(stack, corpus, 4 * scale.raw)
        deaf = stack.enter_context(receivers.running("deaf"))
        pid = stack.enter_context(site.worker("one", [site.task("hung", f"http://127.0.0.1:{deaf}")]))
        time.sleep(20 if scale.rounds > 1 else 2)
        peak = Spent.of(pid).peak
    compared = [judge("MB", peak, at_most=150)]
    return [Row(case="hanging", corpus=corpus, way="logferry run, at its peak", value=peak, unit="MB",
                compared=compared)]  # fmt: skip


def isolation(corpus: str, scale: Scale) -> list[Row]:
    """A healthy task alone, and in one worker with one whose collector hangs and one whose collector refuses."""
    found = [_healthy(corpus, scale, others) for others in ((), ("deaf", "nobody"))]
    (solo, _), (crowd, lag) = found
    way = "healthy, beside a hanging and a refusing one"
    return [
        Row(case="isolation", corpus=corpus, way="healthy, alone", value=solo, unit="MB/CPU-s"),
        Row(case="isolation", corpus=corpus, way=way, value=crowd, unit="MB/CPU-s",
            compared=[judge("healthy, alone", crowd / solo, at_least=0.9)],
            notes="CPU of the whole worker, once the others wait"),
        Row(case="isolation", corpus=corpus, way="the same, its longest lag", value=lag, unit="s",
            compared=[judge("intervals", lag / _INTERVAL, at_most=2)]),
    ]  # fmt: skip


def _healthy(corpus: str, scale: Scale, others: Sequence[str]) -> tuple[float, float]:
    """MB per CPU-second of a worker, and how long a record waits at most, in seconds."""
    with ExitStack() as stack:
        site, ends, raw = _site(stack, corpus, 4 * scale.raw)
        files = [site.ready("healthy", f"http://127.0.0.1:{stack.enter_context(receivers.running('http'))}")]
        for other in others:
            port = stack.enter_context(receivers.running(other))
            files.append(site.task(other, f"http://127.0.0.1:{port}"))
        pid = stack.enter_context(site.worker("one", files))
        time.sleep(_SETTLE if scale.rounds > 1 else 1.0)  # the others have read and sent all that they may
        before = Spent.of(pid).cpu
        site.switch("healthy", "online")
        site.until_at("healthy", ends)
        rate = raw / 1e6 / (Spent.of(pid).cpu - before)
        return rate, max(_lag(site, corpus, scale) for _ in range(scale.rounds))


def _lag(site: Site, corpus: str, scale: Scale) -> float:
    """Seconds from putting one more group to its position being saved."""
    logstore = stores.logstore(site.address)
    time.sleep(random.random() * _INTERVAL)  # noqa: S311  # at any moment of the interval
    logstore.put_logs(corpora.groups(corpus, scale.raw)[0][0])
    begun = time.monotonic()
    site.until_at("healthy", {name: logstore.get_cursor(name, "end") for name in site.streams})
    return time.monotonic() - begun


def _rate(stack: ExitStack, corpus: str, scale: Scale, workers: int) -> tuple[float, int]:
    """MB per CPU-second, a worker's shards' bytes by its own CPU, added up; and the raw bytes."""
    site, ends, raw = _site(stack, corpus, 4 * scale.raw)
    port = stack.enter_context(receivers.running("http"))
    file, names = site.ready("t", f"http://127.0.0.1:{port}"), [f"w{number}" for number in range(workers)]
    pids = [stack.enter_context(site.worker(name, [file])) for name in names]
    site.until_shared(names)
    before = [Spent.of(pid).cpu for pid in pids]
    site.switch("t", "online")
    site.until_at("t", ends)
    spent = [Spent.of(pid).cpu - base for pid, base in zip(pids, before, strict=True)]
    return sum(raw / workers / 1e6 / cpu for cpu in spent), raw


def _site(stack: ExitStack, corpus: str, raw: int) -> tuple[Site, dict[str, str], int]:
    """A store of two equal shards, the end of each, and the raw bytes in both."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    store = stack.enter_context(stores.filled(folder / "sls", corpus, raw, shards=_SHARDS))
    logstore = stores.logstore(store.address)
    streams = [str(number) for number in range(_SHARDS)]
    ends = {name: logstore.get_cursor(name, "end") for name in streams}
    return Site(folder, store.address, streams), ends, sum(size for _, _, size in corpora.groups(corpus, raw))
