"""A replay that kills itself (SIGKILL) at a named step; run as a program, so that nothing can clean up after it.

    python -m tests.fakes.mortal_replay STEP COUNT

Steps: `sent` (after the COUNT-th payload was answered), `parked` (after the COUNT-th object was written: a letter in
its next state), `removed` (after the COUNT-th object was deleted: its move is done). The environment says where all is.
Ten records go at once.
"""

import os
import sys
import time

from tests.fakes.mortal import MortalDestination, MortalStore, Strike, striker

from logferry import replay_calls, wiring
from logferry.dead_letters import DeadLetters
from logferry.job import Job
from logferry.objects import Store
from logferry.runtime import Call
from logferry.task import Task

__all__ = ["main"]


class _Store(MortalStore):
    """Dies after a delete too."""

    def __init__(self, store: Store, strike: Strike) -> None:
        super().__init__(store, strike)

        def delete(key: str) -> None:
            store.delete(key)
            strike("removed")

        self.delete = delete  # type: ignore[method-assign]  # this store only


def main(step: str, count: int) -> None:
    """One replay of everything, mortal."""
    environ = dict(os.environ)
    shop = wiring.workshop(environ)
    strike = striker(step, count)
    build = shop._build  # where every job comes from

    def mortal(task: Task, version: int) -> Job:
        built = build(task, version)
        if not isinstance(built.destination, MortalDestination):
            built.destination = MortalDestination(built.destination, strike)
        return built

    shop._build = mortal  # type: ignore[method-assign]  # this workshop only
    shop.dead = DeadLetters(_Store(wiring.open_store(environ), strike), time.time)
    until = time.monotonic() + 60
    replay_calls.replay(
        Call({"task": "to-hec", "rate": "10/s"}, "request-1", environ, lambda: until - time.monotonic())
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
