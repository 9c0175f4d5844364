"""A task that is sent its logs, on this machine: state in memory, a destination that answers by a script."""

import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.engine import Clock, ScriptedDestination

from logferry import proof, signing, wiring
from logferry import task as tasks
from logferry.encoders.json_lines import JsonLines
from logferry.job import Job
from logferry.ledger import Row
from logferry.model import Counts, Limits
from logferry.plan import Plan
from logferry.receiver import Receiver
from logferry.runtime.web import Request, Response
from logferry.task_plan import plan_of
from logferry.task_store import Stored
from logferry.vault import Secret, Vault
from logferry.wiring import Workshop

__all__ = ["KEY", "PATH", "Landing", "landing", "signature"]

KEY, PATH = Secret("abc123def"), "/logs/esa"
_NAMES = itertools.count()


def signature(path: str = PATH, key: Secret = KEY, *, now: float | None = None, expires: float = 300) -> str:
    """A query that is signed."""
    made = signing.sign(path, key, now=time.time() if now is None else now, expires=expires, rand="0")
    return f"auth_key={made}"


@dataclass
class Landing:
    """What one test needs."""

    shop: Workshop
    clock: Clock
    to: ScriptedDestination
    environ: dict[str, str]
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        """A receiver with this clock."""
        self.receiver = Receiver(self.shop, self.clock, self.clock.sleep, lambda: 0.0)

    def apply(self, name: str = "received", **options: Any) -> None:  # noqa: ANN401  # options of the source
        """Put a task to work."""
        stages = {str(key): options.pop(key) for key in ("filter", "sampling", "fields") if key in options}
        if not {"keys", "unsigned"} & options.keys():
            options["keys"] = ["secret://env/KEY"]
        source = {"received": {"path": PATH, **options}}
        destination = {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}}
        self.shop.tasks.apply(tasks.load({"task": name, "source": source, "destination": destination, **stages}))

    def post(self, body: bytes | str, query: str | None = None, **how: Any) -> Response:  # noqa: ANN401  # parts of a request
        """One post, signed unless a query is given."""
        path = how.pop("path", PATH)
        request = Request(
            method=how.pop("method", "POST"), path=path,
            query=signature(path, now=self.clock()) if query is None else query,
            headers=how.pop("headers", {}), body=body.encode() if isinstance(body, str) else body, address="192.0.2.9",
        )  # fmt: skip
        return self.receiver.answer(request, how.pop("time_left", lambda: 60.0))

    def rows(self, name: str = "received") -> list[Row]:
        """The task's rows, each without a contradiction."""
        rows = self.shop.ledger.rows(name)
        for row in rows:
            assert proof.problems(row) == []
            source = self.shop.source(self.shop.tasks.get(name).task())
            assert proof.recount(name, row, Plan(), source, self.shop.dead).differences == []
        return rows

    def counts(self, name: str = "received") -> Counts:
        """All that the ledger says."""
        return sum((row.counts for row in self.rows(name)), Counts())

    def letters(self, name: str = "received") -> list[bytes]:
        """The originals of all open dead letters."""
        return [
            letter.bytes() for row in self.shop.ledger.rows(name)
            for letter in self.shop.dead.letters(name, "open", row.stream)
        ]  # fmt: skip


@contextmanager
def landing(folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Landing]:
    """No task yet; its job, once there is one, writes JSON lines to `to`."""
    environ = {
        "LOGFERRY_STATE": f"memory:receiving-{next(_NAMES)}", "LOGFERRY_OBJECTS": f"folder:{folder}", "TOKEN": "t",
        "KEY": KEY.reveal(), **(more or {}),
    }  # fmt: skip
    shop = Workshop(wiring.open_table(environ), wiring.open_store(environ)).renewed(environ)
    to = ScriptedDestination(limits=Limits(max_bytes=100_000, max_records=500))
    jobs: dict[tuple[str, int], Job] = {}

    def job(stored: Stored) -> Job:
        made = Job(
            stored.name, stored.version, plan_of(stored.task(), Vault(environ)), JsonLines(), to, source="received"
        )
        return jobs.setdefault((stored.name, stored.version), made)

    shop.job = job  # type: ignore[method-assign]  # this workshop only
    try:
        yield Landing(shop, Clock(1_767_225_600.0), to, environ)
    finally:
        shop.close()
