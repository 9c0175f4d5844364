"""The embedded log store in a process of its own, filled with sample logs; and pulling from it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpora
from bench.measure import Row, judge
from bench.scale import Scale
from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore, Pull
from logferry.sls.projects import create_logstore, create_project
from logferry.vault import Secret
from logferry_local.sls_server import running

__all__ = ["ENVIRON", "SOURCE", "filled", "logstore", "pull"]

ENVIRON = {"SLS_AK_ID": "bench-key", "SLS_AK_KEY": "bench-secret"}
SOURCE = {"project": "bench-project", "logstore": "bench-logstore"}


@contextmanager
def filled(folder: Path, corpus: str, raw: int, shards: int = 1) -> Iterator[running.Running]:
    """A store with one logstore, which holds about `raw` bytes of logs, as many in one shard as in the next."""
    with running.process(folder, {ENVIRON["SLS_AK_ID"]: Secret(ENVIRON["SLS_AK_KEY"])}, ["--sync", "never"]) as store:
        target = logstore(store.address)
        create_project(target.client)
        create_logstore(target.client, SOURCE["logstore"], shards=shards)
        for number, (group, _, _) in enumerate(corpora.groups(corpus, raw)):
            target.put_logs(group, f"{number % shards * 16 // shards:x}" + "1" * 31)
        yield store


def pull(corpus: str, scale: Scale) -> list[Row]:
    """PullLogs by our own client from the embedded store, decompressed, not decoded. Wall time, since two work."""
    groups = corpora.groups(corpus, scale.raw)
    raw = sum(size for _, _, size in groups)
    with TemporaryDirectory() as folder, filled(Path(folder), corpus, scale.raw) as store:
        target = logstore(store.address)
        _pull_all(target, len(groups))
        best = min(_pull_all(target, len(groups)) for _ in range(scale.rounds))
    compared = [judge("MB/s", raw / 1e6 / best, at_least=100)]
    notes = f"{len(groups)} log groups"
    return [
        Row(case="pull", corpus=corpus, way="embedded log store", value=raw / 1e6 / best, unit="MB/s",
            compared=compared, notes=notes)
    ]  # fmt: skip


def _pull_all(source: Logstore, groups: int) -> float:
    """Seconds for everything in the shard."""
    cursor, end = source.get_cursor("0", "begin"), source.get_cursor("0", "end")
    seen, before = 0, time.perf_counter()
    while cursor != end:
        pulled = source.pull_logs("0", Pull(cursor, end))
        cursor, seen = pulled.next_cursor, seen + pulled.groups
        if not pulled.groups:
            break
    spent = time.perf_counter() - before
    if seen != groups:
        raise RuntimeError(f"{groups} log groups were put, {seen} came back")
    return spent


def logstore(address: str) -> Logstore:
    """The logstore of `filled`, as a client sees it."""
    client = Client(endpoint=Endpoint.parse(address), project=SOURCE["project"], keys=EnvironKeys(ENVIRON))
    return Logstore(client, SOURCE["logstore"])
