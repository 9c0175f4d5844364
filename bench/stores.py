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

__all__ = ["ENVIRON", "SOURCE", "filled", "pull"]

ENVIRON = {"SLS_AK_ID": "bench-key", "SLS_AK_KEY": "bench-secret"}
SOURCE = {"project": "bench-project", "logstore": "bench-logstore"}


@contextmanager
def filled(folder: Path, corpus: str, raw: int) -> Iterator[running.Running]:
    """A store with one logstore of one shard, which holds about `raw` bytes of logs."""
    with running.process(folder, {ENVIRON["SLS_AK_ID"]: Secret(ENVIRON["SLS_AK_KEY"])}, ["--sync", "never"]) as store:
        logstore = _logstore(store.address)
        create_project(logstore.client)
        create_logstore(logstore.client, SOURCE["logstore"], shards=1)
        for group, _, _ in corpora.groups(corpus, raw):
            logstore.put_logs(group)
        yield store


def pull(corpus: str, scale: Scale) -> list[Row]:
    """PullLogs by our own client from the embedded store, decompressed, not decoded. Wall time, since two work."""
    groups = corpora.groups(corpus, scale.raw)
    raw = sum(size for _, _, size in groups)
    with TemporaryDirectory() as folder, filled(Path(folder), corpus, scale.raw) as store:
        logstore = _logstore(store.address)
        _pull_all(logstore, len(groups))
        best = min(_pull_all(logstore, len(groups)) for _ in range(scale.rounds))
    compared = [judge("MB/s", raw / 1e6 / best, at_least=100)]
    notes = f"{len(groups)} log groups"
    return [
        Row(case="pull", corpus=corpus, way="embedded log store", value=raw / 1e6 / best, unit="MB/s",
            compared=compared, notes=notes)
    ]  # fmt: skip


def _pull_all(logstore: Logstore, groups: int) -> float:
    """Seconds for everything in the shard."""
    cursor, end = logstore.get_cursor("0", "begin"), logstore.get_cursor("0", "end")
    seen, before = 0, time.perf_counter()
    while cursor != end:
        pulled = logstore.pull_logs("0", Pull(cursor, end))
        cursor, seen = pulled.next_cursor, seen + pulled.groups
        if not pulled.groups:
            break
    spent = time.perf_counter() - before
    if seen != groups:
        raise RuntimeError(f"{groups} log groups were put, {seen} came back")
    return spent


def _logstore(address: str) -> Logstore:
    client = Client(endpoint=Endpoint.parse(address), project=SOURCE["project"], keys=EnvironKeys(ENVIRON))
    return Logstore(client, SOURCE["logstore"])
