"""The whole main job on loopback: embedded log store, sinks, state and dead letters in one folder."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from tests.fakes.invoked import invocation

from logferry import calls, proof, wiring
from logferry.apply import apply
from logferry.model import Counts
from logferry.runtime import Call
from logferry.sls.client import Client, web
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry.sls.projects import create_logstore, create_project
from logferry.sls.write import encode_log_group
from logferry.sources import Surroundings
from logferry.vault import Secret, Vault
from logferry_local.sinks import Place, Sink, hec, syslog
from logferry_local.sls_server.running import process, serving

__all__ = ["Ferry", "ferry"]

ROOT = Path(__file__).parents[2]
PROJECT, LOGSTORE = "waf-project", "waf-logstore"


@dataclass
class Ferry:
    """Everything that one test needs."""

    folder: Path
    address: str
    logstore: Logstore
    environ: dict[str, str]
    stack: ExitStack
    sinks: dict[str, Path] = field(default_factory=dict)  # task -> file
    total: int = 0

    def put(self, records: int, group: int = 50, **extra: str) -> None:
        """Numbered records in groups; each has a unique `id`."""
        for start in range(self.total, self.total + records, group):
            ids = range(start, min(start + group, self.total + records))
            logs = [
                (1_700_000_000 + i, 0, {"id": f"id-{i:06d}", "status": str(200 + i % 5 * 100), **extra}) for i in ids
            ]
            self.logstore.put_logs(encode_log_group(logs, topic="waf_access_log", source="192.0.2.1"))
        self.total += records

    def apply(self, task: str, destination: Mapping[str, Any], **options: Any) -> None:  # noqa: ANN401  # parts of a task
        """Put a task to work."""
        source = {"endpoint": self.address, "project": PROJECT, "logstore": LOGSTORE, **options.pop("source", {})}
        document = {"task": task, "source": {"sls": source}, "destination": destination, **options}
        around = Surroundings(self.environ, Vault(self.environ))
        apply(json.dumps(document), wiring.workshop(self.environ).table, around)

    def hec(self, task: str = "to-hec", sink: hec.Options | None = None, **options: Any) -> str:  # noqa: ANN401
        """A HEC sink and a task that delivers to it; the sink's address."""
        opened = self._open(hec.open_sink(self._place(task), sink or hec.Options(token="hec-token")))
        destination = {"url": opened.address, "token": "secret://env/HEC_TOKEN", **options.pop("to", {})}
        self.apply(task, {"splunk_hec": destination}, **options)
        return opened.address

    def syslog(self, task: str = "to-syslog", **options: Any) -> str:  # noqa: ANN401
        """A syslog sink over TCP and a task that delivers to it."""
        opened = self._open(syslog.open_sink(self._place(task), syslog.Options()))
        port = int(opened.address.rpartition(":")[2])
        destination = {"host": "127.0.0.1", "port": port, "body": "json_lines", **options.pop("to", {})}
        self.apply(task, {"syslog_server": destination}, **options)
        return opened.address

    def sweep(self, seconds: float = 60) -> dict[str, object]:
        """One call of the sweep function."""
        return calls.sweep(self.call({}, seconds))

    def call(self, event: object, seconds: float = 60) -> Call:
        """An invocation with this much time."""
        return invocation(event, self.environ, seconds)

    def until_done(self, seconds: float = 30) -> None:
        """Sweep until every stream is at its end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self.sweep(until - time.monotonic())
            if answer["finished"] and all(self.row(task).lease is None for task in self.sinks):
                return
            time.sleep(0.2)
        raise AssertionError(f"not done within {seconds} s: {answer}")

    def rest_is_over(self, task: str) -> None:
        """As if the pause that a destination asked for had passed."""
        ledger = wiring.workshop(self.environ).ledger
        for row in ledger.rows(task):
            ledger.edit(task, row.stream, lambda old: msgspec.structs.replace(old, retry_at=0), now=time.time())

    def die(self, step: str, count: int) -> int:
        """A sweep in a process of its own that kills itself; its exit code (-9 if it came to that)."""
        command = [sys.executable, "-m", "tests.fakes.mortal", step, str(count)]
        return subprocess.run(command, cwd=ROOT, env=self.environ, check=False, timeout=60).returncode

    def start(self) -> "subprocess.Popen[bytes]":
        """A sweep in a process of its own, to be killed from outside."""
        command = [sys.executable, "-m", "tests.fakes.mortal", "never", "1"]
        return subprocess.Popen(command, cwd=ROOT, env=self.environ)

    def received(self, task: str) -> Counter[str]:
        """How often each record arrived. A line that is just being written is not there yet."""
        text = self.sinks[task].read_text(encoding="utf-8", errors="replace") if self.sinks[task].exists() else ""
        return Counter(identity(json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines())

    def row(self, task: str, stream: str = "0") -> Any:  # noqa: ANN401  # Row, known to be there
        """The ledger's row."""
        return wiring.workshop(self.environ).ledger.get(task, stream)

    def verified(self, task: str) -> Counts:
        """The task's counts, once the ledger and the recount agree."""
        shop = wiring.workshop(self.environ)
        stored = shop.tasks.get(task)
        source = shop.source(stored.task())
        rows = shop.ledger.rows(task)
        for row in rows:
            assert proof.problems(row) == []
            assert proof.recount(task, row, shop.job(stored).plan, source, shop.dead).differences == []
        return sum((row.counts for row in rows), Counts())

    def _place(self, task: str) -> Place:
        self.sinks[task] = self.folder / f"{task}.ndjson"
        return Place(self.sinks[task])

    def _open(self, sink: Sink) -> Sink:
        self.stack.callback(sink.close)
        return sink


def identity(line: Mapping[str, Any]) -> str:
    """A received record's `id`, from a HEC event or from a syslog message with a JSON text."""
    if "msg" in line:
        return str(json.loads(line["msg"])["id"])
    return str(line["event"]["id"])


@contextmanager
def ferry(folder: Path, shards: int = 1, settings: Sequence[tuple[str, str]] = (), ttl: str = "") -> Iterator[Ferry]:
    """A log store with one empty logstore, and an environment that points at it. With `ttl` it forgets soon."""
    with ExitStack() as stack:
        keys = {"test-id": Secret("test-key")}
        if ttl:
            address = stack.enter_context(process(folder / "sls", keys, ["--ttl", ttl])).address
        else:
            address = stack.enter_context(serving(folder / "sls", keys))
        environ = {
            "SLS_AK_ID": "test-id", "SLS_AK_KEY": "test-key", "HEC_TOKEN": "hec-token",
            "LOGFERRY_STATE": f"sqlite:{folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{folder}/objects",
            "LOGFERRY_LEASE_SECONDS": "1", "PATH": os.environ["PATH"], **dict(settings),
        }  # fmt: skip
        client = Client(endpoint=Endpoint.parse(address), project=PROJECT, keys=EnvironKeys(environ), web=web())
        stack.callback(client.close)
        create_project(client)
        create_logstore(client, LOGSTORE, shards=shards)
        try:
            yield Ferry(folder, address, Logstore(client, LOGSTORE), environ, stack)
        finally:
            wiring.dismiss()
