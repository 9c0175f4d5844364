"""Tasks whose logs come in events, on this machine: state in memory, destinations that answer by a script."""

import base64
import gzip
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.engine import Clock, MemoryStore, ScriptedDestination

from logferry import calls, doorbells, intake, proof, wiring
from logferry import task as tasks
from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.drain import drain
from logferry.encoders.json_lines import JsonLines
from logferry.errors import Unfinished
from logferry.job import Job
from logferry.ledger import Row
from logferry.meter import Sums
from logferry.model import Counts, Limits, Payload
from logferry.plan import Plan
from logferry.runtime import Call
from logferry.spill_store import SpillStore
from logferry.task_plan import plan_of
from logferry.task_store import State, Stored
from logferry.vault import Vault
from logferry.wiring import Workshop

__all__ = ["ARN", "NOW", "QUEUE", "Yard", "failing", "kinesis", "logs", "queue", "subscription", "yard"]

NOW = float(int(time.time())) - 3600  # receipts expire by the table's own clock; a sweep's is an hour ahead
ARN = "arn:aws:kinesis:eu-west-1:111122223333:stream/logs"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:logs"
_NAMES = itertools.count()


def kinesis(items: Mapping[int, str | bytes], shard: str = "shardId-000000000001", at: float = NOW) -> dict[str, Any]:
    """A Kinesis event: data by sequence number."""

    def record(number: int, data: str | bytes) -> dict[str, Any]:
        raw = data.encode() if isinstance(data, str) else data
        inner = {"sequenceNumber": str(number), "data": base64.b64encode(raw).decode(), "partitionKey": "p",
                 "approximateArrivalTimestamp": at, "kinesisSchemaVersion": "1.0"}  # fmt: skip
        return {"kinesis": inner, "eventSource": "aws:kinesis", "eventID": f"{shard}:{number}", "eventSourceARN": ARN}

    return {"Records": [record(number, data) for number, data in items.items()]}


def queue(items: Mapping[str, str], tries: int | Mapping[str, int] = 1, arn: str = QUEUE) -> dict[str, Any]:
    """An SQS event: bodies by message id."""

    def record(name: str, body: str) -> dict[str, Any]:
        count = tries if isinstance(tries, int) else tries.get(name, 1)
        attributes = {"SentTimestamp": str(int(NOW * 1000)), "ApproximateReceiveCount": str(count)}
        return {"messageId": name, "body": body, "attributes": attributes, "eventSource": "aws:sqs",
                "eventSourceARN": arn, "receiptHandle": "r", "md5OfBody": "", "messageAttributes": {}}  # fmt: skip

    return {"Records": [record(name, body) for name, body in items.items()]}


def subscription(messages: Sequence[str], group: str = "/app/web", **other: str) -> dict[str, Any]:
    """A CloudWatch Logs event."""
    events = [
        {"id": f"{37 * 10**54 + n}", "timestamp": int(NOW * 1000) + n, "message": m} for n, m in enumerate(messages)
    ]
    whole = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": "s",
             "subscriptionFilters": ["f"], "logEvents": events, **other}  # fmt: skip
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(whole).encode(), mtime=0)).decode()}}


def logs(*numbers: int) -> str:
    """One log a line."""
    return "\n".join(json.dumps({"id": number}) for number in numbers)


def failing(error: Exception) -> Callable[[Payload], None]:
    """A destination that never takes anything."""

    def judge(payload: Payload) -> None:
        del payload
        raise error

    return judge


@dataclass
class Yard:
    """What one test needs. Destinations by the task's name."""

    environ: dict[str, str]
    shop: Workshop
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    to: dict[str, ScriptedDestination] = field(default_factory=dict)
    meter: Sums = field(default_factory=Sums)

    def apply(self, name: str, kind: str, state: State = "online", **options: Any) -> ScriptedDestination:  # noqa: ANN401  # of the source
        """Put a task to work; its destination."""
        more = {str(key): options.pop(key) for key in ("filter", "sampling", "fields") if key in options}
        destination = {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}}
        made = tasks.load({"task": name, "source": {kind: options}, "destination": destination, **more})
        self.shop.tasks.apply(made, state=state)
        return self.to.setdefault(name, ScriptedDestination(limits=Limits(max_bytes=100_000, max_records=50)))

    def ring(self, event: object, seconds: float = 60.0) -> list[str]:
        """What one invocation says is not settled."""
        until = self.clock.now + seconds
        call = Call(event, "request-1", self.environ, lambda: until - self.clock.now, self.meter)
        try:
            answer = intake.take(doorbells.answer(event), call, self.clock, self.clock.sleep)
        except Unfinished:
            return ["event"]
        found: Any = answer.get("batchItemFailures", [])
        return [one["itemIdentifier"] for one in found]

    def sweep(self) -> dict[str, Any]:
        """The timer."""
        return calls.sweep(Call({}, "request-2", self.environ, lambda: 60.0, self.meter))

    def drain(self, name: str) -> None:
        """What a sweep does for one task, by this yard's clock."""
        until = self.clock.now + 60
        patience = Patience(lambda: until - self.clock.now, self.clock, self.clock.sleep, lambda: 0.5)
        drain(self.shop.crew([self.shop.tasks.get(name)], patience))

    def rows(self, name: str) -> list[Row]:
        """The task's rows, each without a contradiction, and with as many dead letters as it says."""
        rows = self.shop.ledger.rows(name)
        source = self.shop.source(self.shop.tasks.get(name).task())
        for row in rows:
            assert proof.problems(row) == []
            assert proof.recount(name, row, Plan(), source, self.shop.dead).differences == []
        return rows

    def counts(self, name: str) -> Counts:
        """All that the ledger says."""
        found = sum((row.counts for row in self.rows(name)), Counts())
        assert found.balanced
        return found

    def taken(self, name: str) -> list[int]:
        """The ids that arrived, in their order."""
        return [record["id"] for record in self.records(name)]

    def records(self, name: str) -> list[Any]:
        """All that arrived."""
        return [json.loads(line) for line in self.to[name].taken if line]

    def letters(self, name: str) -> list[bytes]:
        """The originals of all open dead letters."""
        rows = self.shop.ledger.rows(name)
        return [one.bytes() for row in rows for one in self.shop.dead.letters(name, "open", row.stream)]


@contextmanager
def yard(folder: Path, **more: str) -> Iterator[Yard]:
    """No task yet; jobs write JSON lines to the scripted destinations."""
    environ = {
        "LOGFERRY_STATE": f"memory:arriving-{next(_NAMES)}", "LOGFERRY_OBJECTS": f"folder:{folder}", "TOKEN": "t",
        **more,
    }  # fmt: skip
    shop = wiring.workshop(environ)
    made = Yard(environ, shop)
    jobs: dict[tuple[str, int], Job] = {}

    def job(stored: Stored) -> Job:
        task = stored.task()
        new = Job(
            stored.name, stored.version, plan_of(task, Vault(environ)), JsonLines(), made.to[stored.name],
            source=task.source.kind,
        )  # fmt: skip
        return jobs.setdefault((stored.name, stored.version), new)

    def job_at(name: str, version: int) -> Job:
        del version
        return job(shop.tasks.get(name))

    store = MemoryStore()
    shop.dead, shop.spills = DeadLetters(store, time.time), SpillStore(store)
    shop.job = job  # type: ignore[method-assign]  # this workshop only
    shop.job_at = job_at  # type: ignore[method-assign]  # as above
    try:
        yield made
    finally:
        wiring.dismiss()
