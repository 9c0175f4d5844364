"""What the receivers' files hold: while it comes, and counted by the logs' own ids at the end."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from logferry_local.demo.site import HEC
from logferry_local.sample_logs import waf

__all__ = ["Found", "count", "settle", "watched"]

_LOOK = 0.2  # seconds between two looks at a growing file
_PATIENCE = 3.0  # seconds without a new line after which no more is expected
_IN_TEXT = re.compile(rf"(?:^|\|\|){waf.ID_FIELD}=([0-9a-f]+)")


class Found(NamedTuple):
    """One receiver's file."""

    lines: int
    problems: list[str]


def count(task: str, file: Path, ids: set[str]) -> Found:
    """Whether each id is there exactly once, and nothing else."""
    seen: Counter[str] = Counter()
    wrong = 0
    with file.open("rb") as lines:
        for line in lines:
            found = _id(task, line)
            if found in ids:
                seen[found] += 1
            else:
                wrong += 1
    twice = [number for number in seen.values() if number > 1]
    tellings = (
        (len(ids) - len(seen), "of the loaded records did not arrive"),
        (len(twice), f"records arrived more than once ({sum(twice)} times)"),
        (wrong, "messages are none of the loaded records"),
    )
    return Found(seen.total() + wrong, [f"{number} {what}" for number, what in tellings if number])


@contextmanager
def watched(files: Mapping[str, Path], records: int, progress: Callable[[str, int, int], None]) -> Iterator[None]:
    """Tell how many lines each file has, from a thread, until the block ends."""
    done = threading.Event()

    def look() -> None:
        tallies = {task: _Tally(file) for task, file in files.items()}
        while True:
            last = done.wait(_LOOK)
            for task, tally in tallies.items():
                progress(task, tally.lines(), records)
            if last:
                return

    thread = threading.Thread(target=look, name="arrivals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def settle(files: Mapping[str, Path], records: int) -> None:
    """Wait while files that have fewer lines than were sent still grow; what is missing then is for `count` to tell."""
    for file in files.values():
        tally, last, since = _Tally(file), -1, time.monotonic()
        while (lines := tally.lines()) < records and time.monotonic() - since < _PATIENCE:
            if lines != last:
                last, since = lines, time.monotonic()
            time.sleep(_LOOK / 4)


class _Tally:
    """Lines of a file that grows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at = self._lines = 0

    def lines(self) -> int:
        """How many are there now."""
        if self._file.exists():
            with self._file.open("rb") as opened:
                opened.seek(self._at)
                while block := opened.read(1 << 20):
                    self._at += len(block)
                    self._lines += block.count(b"\n")
        return self._lines


def _id(task: str, line: bytes) -> str:
    """The record's id, from an event's field or a message's text; "" if there is none."""
    try:
        found = orjson.loads(line)
        if task == HEC:
            return str(found["event"][waf.ID_FIELD])
        match = _IN_TEXT.search(found["msg"])
    except (ValueError, KeyError, TypeError):
        return ""
    return match[1] if match else ""
