"""Workers as processes of their own, on a filled log store, with everything they need in one folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import stores
from bench.receivers import ROOT
from logferry.ledger import Ledger, Row
from logferry.state import Table
from logferry.task_store import State, TaskStore
from logferry.wiring import open_table
from logferry_local.worker.enlisting import enlist

__all__ = ["Site", "Spent"]

_TICK = os.sysconf("SC_CLK_TCK")
_MOST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process has used."""

    cpu: float  # seconds
    peak: float  # MB of memory

    @classmethod
    def of(cls, pid: int) -> "Spent":
        """So far."""
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return cls((int(fields[11]) + int(fields[12])) / _TICK, int(peak.split()[1]) / 1024)


@dataclass(frozen=True, slots=True)
class Site:
    """A folder with a state table, beside a log store."""

    folder: Path
    address: str  # of the log store
    streams: Sequence[str]

    @property
    def environ(self) -> dict[str, str]:
        """What a worker needs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOGFERRY", "SLS"))}
        own = {"LOGFERRY_STATE": f"sqlite:{self.folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{self.folder}/objects"}
        return kept | stores.ENVIRON | own | {"HEC_TOKEN": "bench"}

    def task(self, name: str, url: str) -> Path:
        """A task file that delivers to a collector."""
        document = {
            "task": name,
            "source": {"sls": {"endpoint": self.address, **stores.SOURCE}},
            "destination": {"splunk_hec": {"url": url, "token": "secret://env/HEC_TOKEN"}},
        }
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(document))
        return file

    @contextmanager
    def worker(self, name: str, files: Sequence[Path], heartbeat: float = 2) -> Iterator[int]:
        """The process number of a worker that has entered its groups."""
        command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "run", *map(str, files)]
        command += ["--consumer", name, "--heartbeat", str(heartbeat)]
        with (
            (self.folder / f"{name}.log").open("wb") as log,
            subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=log) as process,
        ):
            try:
                for _ in files:
                    if not process.stdout or not process.stdout.readline():
                        raise RuntimeError((self.folder / f"{name}.log").read_text(encoding="utf-8"))
                yield process.pid
            finally:
                process.kill()  # a gentle end would wait for a send that hangs

    def ready(self, task: str, url: str) -> Path:
        """The same, applied and paused: workers may take their shards before anything is read."""
        file = self.task(task, url)
        with self._table() as table:
            enlist([str(file)], table, self.environ)
        self.switch(task, "offline")
        return file

    def switch(self, task: str, state: State) -> None:
        """Pause or resume."""
        with self._table() as table:
            TaskStore(table, time.time).set_state(task, state)

    def until_shared(self, names: Sequence[str]) -> None:
        """Wait until each of these workers has as many shards as the others."""
        until = time.monotonic() + _MOST_SECONDS
        while any(self._held(name) * len(names) != len(self.streams) for name in names):
            if time.monotonic() > until:
                raise RuntimeError(f"the workers did not share the shards within {_MOST_SECONDS:.0f} s")
            time.sleep(0.1)

    def _held(self, name: str) -> int:
        text = (self.folder / f"{name}.log").read_text(encoding="utf-8")
        return text.count("shard taken") - text.count("shard let go")

    @contextmanager
    def _table(self) -> Iterator[Table]:
        table = open_table(self.environ)
        try:
            yield table
        finally:
            table.close()

    def rows(self, task: str) -> Mapping[str, Row]:
        """Where the task stands."""
        with self._table() as table:
            return {row.stream: row for row in Ledger(table).rows(task)}

    def until_at(self, task: str, ends: Mapping[str, str]) -> None:
        """Wait until the task stands there."""
        until = time.monotonic() + _MOST_SECONDS
        while {name: row.position for name, row in self.rows(task).items()} != ends:
            if time.monotonic() > until:
                raise RuntimeError(f"{task}: not delivered within {_MOST_SECONDS:.0f} s")
            time.sleep(0.1)
