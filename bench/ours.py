"""Our own way, whole: source, plan, encoder, packing, destination and ledger, as `functions/forward` runs them.

Only the pull is left out: the answers come from memory, as they would arrive.
"""

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.corpora import Corpus
from logferry import task
from logferry.delivery import Patience
from logferry.model import Position
from logferry.objects.folder import open_store
from logferry.plan import Plan, Tally
from logferry.route import run
from logferry.sls.codec import LogGroups
from logferry.sources import Progress, Replays, Stream
from logferry.state.memory import open_table
from logferry.wiring import Workshop

__all__ = ["Bay", "decode"]

ENVIRON = {"BENCH_TOKEN": "11111111-2222-3333-4444-555555555555", "BENCH_KEY": "Bench2026Key"}
_STREAM = Stream(name="0")


def decode(corpus: Corpus, plan: Plan) -> int:
    """Every record once, none kept."""
    for _ in LogGroups(corpus.unpack(), "0", "1").select(plan, Tally()):
        pass
    return corpus.raw


class Bay:
    """One warm function instance with one task. `deliver` puts an answer behind the last one and runs the route."""

    def __init__(self, folder: Path, name: str, destination: Mapping[str, Any], **stages: Any) -> None:  # noqa: ANN401
        source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "bench", "logstore": name}}
        made = task.load({"task": name, "source": source, "destination": destination, **stages})
        table = open_table(f"bench {folder} {name}", {}, time.time)
        self._shop = Workshop(table, open_store(str(folder), {})).renewed(ENVIRON)
        self._shop.tasks.apply(made)
        self._job = self._shop.job(self._shop.tasks.get(name))
        self._source = _Answers()

    def deliver(self, corpus: Corpus) -> int:
        """Every record of the answer, with its fate in the ledger; RuntimeError if one is missing."""
        self._source.answers.append(corpus)
        until = time.monotonic() + 600
        patience = Patience(lambda: until - time.monotonic(), time.time, time.sleep, random.random)
        desk = self._shop.desk(self._source, patience)
        (outcome,) = run([self._job], _STREAM, self._source.position("0", "end"), desk)
        counts = outcome.counts
        if not outcome.finished or not counts.balanced or counts.read != corpus.logs or counts.parked:
            raise RuntimeError(f"{corpus.logs} logs, but {outcome}")
        return corpus.raw

    def close(self) -> None:
        """Let go of the destination's connections."""
        self._job.destination.close()


class _Answers:
    """A stream whose position counts answers."""

    replays: Replays = "cursor"
    progress: Progress = "ordered"

    def __init__(self) -> None:
        self.answers: list[Corpus] = []

    def streams(self) -> list[Stream]:
        return [_STREAM]

    def position(self, stream: str, at: str | int) -> Position:
        del stream
        return str(len(self.answers)) if at == "end" else "0"

    def order(self, position: Position) -> int:
        return int(position)

    def time_of(self, stream: str, position: Position) -> int:
        del stream, position
        return int(time.time())

    def retention(self) -> float | None:
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[LogGroups]:
        del stream
        for number in range(int(begin), int(end)):
            yield LogGroups(self.answers[number].unpack(), str(number), str(number + 1))
