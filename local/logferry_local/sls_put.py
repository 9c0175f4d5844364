"""`logferry sls put`: files of JSON lines into a logstore, with a progress bar where there is a terminal."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry_local import ndjson
from logferry_local.loading import Loaded, ensure, load
from logferry_local.ndjson import Bad, Line

__all__ = ["Place", "put"]

_SHOWN = 20  # bad lines; the rest is only counted


class Place(NamedTuple):
    """Where to; `shards` for a logstore that has to be made."""

    endpoint: str
    project: str
    logstore: str
    shards: int = 1


def put(place: Place, files: Sequence[Path], *, time_field: str, topic: str, environ: Mapping[str, str]) -> Loaded:
    """Load the files; bad lines are shown on standard error. LogferryError if the store does not take the rest."""
    keys = EnvironKeys(environ)
    keys.current()
    client = Client(endpoint=Endpoint.parse(place.endpoint), project=place.project, keys=keys)
    logstore = Logstore(client, place.logstore)
    console = Console(stderr=True)
    total = sum(path.stat().st_size for path in files)
    with closing(client), _bar(console) as bar:
        ensure(logstore, shards=place.shards)
        task = bar.add_task("loading", total=total)
        done = load(logstore, _lines(files, time_field), topic=topic, seen=lambda line: bar.advance(task, line.size))
    for bad in done.bad[:_SHOWN]:
        sys.stderr.write(f"{bad.path}:{bad.number}: {bad.reason}\n")
    if len(done.bad) > _SHOWN:
        sys.stderr.write(f"and {len(done.bad) - _SHOWN} more bad lines\n")
    return done


def _lines(files: Sequence[Path], time_field: str) -> Iterator[Line | Bad]:
    for path in files:
        yield from ndjson.read(path, time_field=time_field, clock=time.time)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal, transient=True)
