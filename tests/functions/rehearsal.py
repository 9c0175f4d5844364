"""A deployed logferry on this machine: the functions, the cloud's services behind recording proxies, a HEC receiver.

What the two clouds differ in is in `rehearsal_aws` and `rehearsal_fc`; what happens in `scenes`.
"""

import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests
from tests.fakes.recorder import Recorder
from tests.functions.place import Place, furnished

from logferry import objects, wiring
from logferry.objects import Store
from logferry_local.platforms import Function, Result
from logferry_local.platforms.instance import Instance
from logferry_local.sinks import Place as SinkPlace
from logferry_local.sinks import hec

__all__ = ["EVENTS", "LEASE", "TOKEN", "Rehearsal", "make_buckets"]

EVENTS = Path(__file__).parents[2] / "events"
TOKEN = "hec-token"
LEASE = {"LOGFERRY_LEASE_SECONDS": "15"}  # so that a call which is cut off blocks its stream for no longer
_LIMIT = 2000  # bytes of an event that the receiver takes: larger ones are refused for good
_PROGRAM = "from logferry_local.cli import main; main()"


class Rehearsal(ABC):
    """What one test module needs. `s3` is moto itself, for what a person does."""

    contract: str
    task_bucket: str
    log_buckets: tuple[str, ...]
    taken: tuple[Mapping[str, Any], ...] = ()  # sources that are handed their logs in events

    def __init__(self, folder: Path, things: ExitStack, s3: str) -> None:
        self.folder, self.things, self.s3 = folder, things, s3
        self.recorder = Recorder()
        self.place: Place = things.enter_context(furnished(folder / "store"))
        self.sls = self.place.address
        self.environ: dict[str, str] = {"PATH": os.environ["PATH"]}
        self._instances: dict[tuple[str, float], Instance] = {}
        options = hec.Options(token=TOKEN, max_event_bytes=_LIMIT, busy_while=str(folder / "busy"))
        self.hec = self.receiver("received", options)

    @abstractmethod
    def function(self, name: str, seconds: float) -> Function:
        """As it would be deployed."""

    @abstractmethod
    def bucket(self, name: str) -> str:
        """A bucket as tasks and settings name it."""

    @abstractmethod
    def archive(self) -> Mapping[str, Any]:
        """Another destination than the receiver."""

    @abstractmethod
    def put_event(self, bucket: str, key: str) -> Mapping[str, Any]:
        """What tells of an object that was put."""

    @abstractmethod
    def post(self, query: str, path: str, body: bytes) -> Mapping[str, Any]:
        """An HTTP request as the functions are handed it."""

    @abstractmethod
    def verdict(self, query: str) -> bool:
        """What verify_request says."""

    def receiver(self, name: str, options: hec.Options) -> Mapping[str, Any]:
        """A HEC receiver, as a destination."""
        sink = hec.open_sink(SinkPlace(out=self.folder / f"{name}.jsonl"), options)
        self.things.callback(sink.close)
        return {"splunk_hec": {"url": sink.address, "token": "secret://env/SPLUNK_TOKEN"}}

    def events(self, *names: str) -> list[Mapping[str, Any]]:
        """One event for each of `taken`."""
        del names
        return []

    def call(self, name: str, event: object, seconds: float = 120) -> Result:
        """One call of a function; its instance stays warm."""
        if (name, seconds) not in self._instances:
            self._instances[name, seconds] = self._instance(name, seconds)
        self.recorder.by = name
        try:
            found = self._instances[name, seconds].invoke(json.dumps(event).encode(), "r-1")
        finally:
            self.recorder.by = "nobody"
        return Result(ok=found.ok, reply=json.loads(found.reply) if isinstance(found.reply, str) else found.reply)

    def sample(self, name: str) -> dict[str, Any]:
        """One of the sample events of this cloud."""
        found: dict[str, Any] = json.loads((EVENTS / f"{name}.{self.contract}.json").read_text(encoding="utf-8"))
        return found

    def log(self, name: str) -> str:
        """What a function wrote."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def store(self, bucket: str) -> Store:
        """A bucket in a person's hands."""
        return objects.open_store(f"s3:{bucket}?region=us-east-1&endpoint={self.s3}")

    def task_file(self, key: str, document: object) -> Mapping[str, Any]:
        """Put a task file; the event that follows."""
        self.store(self.task_bucket).put(key, json.dumps(document).encode())
        return self.put_event(self.task_bucket, key)

    def task(self, name: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of a task
        """A task from the log store to the receiver."""
        source = {"endpoint": self.sls, "project": "waf-demo", "logstore": "waf-logstore"} | parts.pop("sls", {})
        return {"task": name, "source": {"sls": source}, "start": "begin", "destination": self.hec, **parts}

    def put_logs(self, *names: str) -> None:
        """One log group into the first shard, received almost an hour ago: a task with a retention of 1h must hurry."""
        self.place.now = time.time() - 0.95 * 3600
        self.place.put(0, *names)
        self.place.now = 0.0

    def prove(self, name: str) -> None:
        """A person tells the token of a task that waits: it is on line then."""
        command = [sys.executable, "-c", _PROGRAM, "task", "verify", name, "--auto"]
        subprocess.run(command, env=self.environ, check=True, capture_output=True, timeout=60)

    def doorbell(self) -> dict[str, Any]:
        """The event of an SLS trigger: everything of the first shard."""
        begin, end = (self.place.logstore.get_cursor("0", at) for at in ("begin", "end"))
        source = {
            "endpoint": self.sls, "projectName": "waf-demo", "logstoreName": "waf-logstore", "shardId": 0,
            "beginCursor": begin, "endCursor": end,
        }  # fmt: skip
        return {"parameter": {}, "source": source, "jobName": "0" * 40, "taskId": "t"}

    def hold(self, task: str) -> None:
        """As if the destination had refused the token an hour ago: the next call tries it, and lets it go."""
        wiring.workshop(self.environ).holds.hold(task, "HTTP 401", time.time() - 3600)

    @contextmanager
    def held(self, *tasks: str) -> Iterator[None]:
        """The tasks read nothing meanwhile, so that they are behind."""
        holds = wiring.workshop(self.environ).holds
        for task in tasks:
            holds.hold(task, "HTTP 401", time.time())
        try:
            yield
        finally:
            for task in tasks:
                holds.release(task)

    @contextmanager
    def receiver_is_busy(self) -> Iterator[None]:
        """Nothing is taken meanwhile; afterwards no stream rests any more."""
        mark = self.folder / "busy"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()
            ledger = wiring.workshop(self.environ).ledger
            for stored in wiring.workshop(self.environ).tasks.all():
                for row in ledger.rows(stored.name):
                    change = lambda old: msgspec.structs.replace(old, retry_at=0)  # noqa: E731  # one line
                    ledger.edit(stored.name, row.stream, change, now=time.time())

    def _instance(self, name: str, seconds: float) -> Instance:
        log = self.things.enter_context((self.folder / f"{name}.log").open("ab"))
        instance = Instance(self.function(name, seconds), self.contract, self.environ, log.fileno())
        self.things.callback(instance.close)
        return instance


def make_buckets(s3: str, *names: str) -> None:
    """In moto."""
    for name in names:
        requests.put(f"{s3}/{name}", timeout=10).raise_for_status()
