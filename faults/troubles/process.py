"""The process that delivers is killed; the log store forgets."""

import random
import subprocess
import sys
import time
from typing import ClassVar

from tests.fakes.ferry import ROOT

from faults.boat import RECORDS, Boat, Seen
from faults.fronts import Mischief
from faults.troubles import Trouble

__all__ = ["Kill", "KillAtMoment", "ShortRetention"]

_ATTEMPTS = 3


class Kill(Trouble):
    """`step` and `count` as in tests/fakes/mortal.py: a process of its own kills itself there."""

    def load(self, boat: Boat) -> None:
        boat.put(RECORDS // 2)
        if self.options["step"] == "parked":
            boat.put(1, note="x" * 3_500)
        boat.put(RECORDS // 2)

    def suffer(self, boat: Boat) -> Seen:
        environ = boat.ferry.environ | {
            "MORTAL_STEP": self.options["step"], "MORTAL_COUNT": str(self.options["count"]),
            "MORTAL_MARK": str(boat.ferry.folder / "killed"),
        }  # fmt: skip
        command = [sys.executable, "-m", "faults.mortal"]
        self._code = subprocess.run(command, cwd=ROOT, env=environ, check=False, timeout=60).returncode
        return boat.look({}, killed=self._code == -9)

    def met(self, boat: Boat) -> int:  # noqa: ARG002  # the protocol's
        return int(self._code == -9)


class KillAtMoment(Trouble):
    """From outside, once a seeded share of the records has arrived; if it was too quick for that, once more."""

    def begin(self, boat: Boat) -> None:
        if "web" in boat.cell.way.offers:  # a sender of streams and datagrams would not notice
            boat.front.misbehave(Mischief("slow"), after=0)

    def suffer(self, boat: Boat) -> Seen:
        share = random.Random(self.seed).random()  # noqa: S311  # a seeded moment
        for attempt in range(_ATTEMPTS):
            if attempt:
                boat.put()
            self._code = _killed(boat, _lines(boat) + share * RECORDS * 0.8)
            if self._code == -9:
                break
        return boat.look({}, killed=self._code == -9)

    def end(self, boat: Boat) -> None:
        boat.front.behave()

    def met(self, boat: Boat) -> int:  # noqa: ARG002  # the protocol's
        return int(self._code == -9)


class ShortRetention(Trouble):
    """The destination is down for longer than the log store keeps anything."""

    FORGETFUL: ClassVar[bool] = True
    ENOUGH: ClassVar[int] = 1

    def load(self, boat: Boat) -> None:
        boat.put(RECORDS // 2)

    def begin(self, boat: Boat) -> None:
        boat.front.misbehave(Mischief("refused"), after=0)

    def end(self, boat: Boat) -> None:
        store, until = boat.ferry.logstore, time.monotonic() + 20
        end = store.get_cursor("0", "end")
        while store.get_cursor("0", "begin") != end and time.monotonic() < until:
            time.sleep(0.1)
        boat.put(RECORDS // 2)
        boat.front.behave()


def _killed(boat: Boat, lines: float) -> int:
    """The exit code of a sweep that is killed as soon as so many lines have arrived."""
    with boat.ferry.start() as child:
        until = time.monotonic() + 30
        while _lines(boat) < lines and child.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        child.kill()
        return child.wait()


def _lines(boat: Boat) -> int:
    return boat.out.read_bytes().count(b"\n") if boat.out.exists() else 0
