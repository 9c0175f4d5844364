"""A bucket where log objects land, and the whole way from there on: functions, state, dead letters, a HEC sink."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec
from tests.fakes.invoked import invocation

from logferry import calls, errands, proof, wiring
from logferry.apply import apply
from logferry.model import Counts
from logferry.objects import Streams, open_store
from logferry.runtime import Call
from logferry.sources import Surroundings
from logferry.vault import Vault
from logferry_local.sinks import Place, Sink, hec

__all__ = ["Landing", "landing"]

ROOT = Path(__file__).parents[2]


@dataclass
class Landing:
    """Everything that one test needs."""

    folder: Path
    bucket: str  # as a task names it
    name: str  # as events name it
    environ: dict[str, str]
    stack: ExitStack
    store: Streams
    sinks: dict[str, Sink] = field(default_factory=dict)
    put_at: str = "2026-01-01T00:00:05.123Z"

    def apply(self, task: str = "t", to: Mapping[str, Any] | None = None, **options: Any) -> None:  # noqa: ANN401  # of the source
        """A task that reads the bucket, with a sink of its own."""
        if task not in self.sinks:
            self.open_sink(task)
        destination = {"url": self.sinks[task].address, "token": "secret://env/HEC_TOKEN", **(to or {})}
        source = {"bucket": self.bucket, "prefix": "logs/", "max_records": 100, **options}
        document = {"task": task, "source": {"objects": source}, "destination": {"splunk_hec": destination}}
        apply(
            json.dumps(document), wiring.workshop(self.environ).table, Surroundings(self.environ, Vault(self.environ))
        )

    def open_sink(self, task: str, port: int = 0) -> Sink:
        """A receiver; what arrives is in its file."""
        place = Place(self.folder / f"{task}.ndjson", port=port)
        self.sinks[task] = hec.open_sink(place, hec.Options(token="hec-token"))
        return self.sinks[task]

    def put(self, key: str, body: bytes) -> dict[str, Any]:
        """Put an object; the event that tells of it, as S3 would."""
        self.store.put(key, body)
        content = self.store.stream(key)
        assert content is not None
        content.close()
        about = {"key": quote_plus(key), "size": len(body), "eTag": content.etag, "sequencer": "0069"}
        record = {"eventName": "ObjectCreated:Put", "eventTime": self.put_at, "eventSource": "aws:s3"}
        return {"Records": [{**record, "s3": {"bucket": {"name": self.name}, "object": about}}]}

    def numbered(self, key: str, first: int, count: int) -> dict[str, Any]:
        """A packed object of numbered records; its event."""
        lines = b"".join(b'{"id":"id-%06d","text":"%s"}\n' % (i, b"x" * 50) for i in range(first, first + count))
        return self.put(key, gzip.compress(lines))

    def forward(self, event: object, seconds: float = 60) -> Mapping[str, Any]:
        """One call of the function that reads."""
        return calls.forward(self.call(event, seconds))

    def sweep(self, seconds: float = 60) -> Mapping[str, Any]:
        """One call of the timer's function."""
        return calls.sweep(self.call({}, seconds))

    def call(self, event: object, seconds: float = 60) -> Call:
        """An invocation with this much time."""
        return invocation(event, self.environ, seconds)

    def until_done(self, seconds: float = 30) -> None:
        """Sweep until nothing is due."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self.sweep(until - time.monotonic())
            if answer["finished"] and not list(wiring.workshop(self.environ).table.list("errands/t")):
                return
            time.sleep(0.2)
        raise AssertionError(f"not done within {seconds} s: {answer}")

    def rest_is_over(self, task: str = "t") -> None:
        """As if the pauses after failures had passed."""
        table = wiring.workshop(self.environ).table
        for item in list(table.list(f"errands/{task}")):
            row = msgspec.json.decode(item.value)
            row.pop("retry_at", None)
            table.put(f"errands/{task}", item.sort, msgspec.json.encode(row), expect=item.version)

    def die(self, step: str, count: int) -> int:
        """A sweep in a process of its own that kills itself; its exit code (-9 if it came to that)."""
        command = [sys.executable, "-m", "tests.fakes.mortal", step, str(count)]
        return subprocess.run(command, cwd=ROOT, env=self.environ, check=False, timeout=60).returncode

    def received(self, task: str = "t") -> Counter[str]:
        """How often each record arrived."""
        path = self.folder / f"{task}.ndjson"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return Counter(json.loads(line)["event"]["id"] for line in text[: text.rfind("\n") + 1].splitlines())

    def verified(self, task: str = "t") -> Counts:
        """The task's counts, once the ledger and the recount agree, with nothing left out of the recount."""
        shop = wiring.workshop(self.environ)
        stored = shop.tasks.get(task)
        source = errands.recalling(shop.source(stored.task()), task, shop.table)
        rows = shop.ledger.rows(task)
        for row in rows:
            assert proof.problems(row) == []
            found = proof.recount(task, row, shop.job(stored).plan, source, shop.dead)
            assert (found.differences, found.notes) == ([], [])
        return sum((row.counts for row in rows), Counts())


@contextmanager
def landing(folder: Path, bucket: str = "", name: str = "landing", **settings: str) -> Iterator[Landing]:
    """An empty folder that passes for a bucket, or the bucket that is named."""
    with ExitStack() as stack:
        if not bucket:
            (folder / name).mkdir()
            bucket = f"folder:{folder / name}"
        environ = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            **{key: value for key, value in os.environ.items() if key.startswith("AWS_")},
            "LOGFERRY_STATE": f"sqlite:{folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{folder}/objects",
            "HEC_TOKEN": "hec-token", "LOGFERRY_LEASE_SECONDS": "1", **settings,
        }  # fmt: skip
        made = Landing(folder, bucket, name, environ, stack, open_store(bucket))
        try:
            yield made
        finally:
            wiring.dismiss()
            for sink in made.sinks.values():
                sink.close()
