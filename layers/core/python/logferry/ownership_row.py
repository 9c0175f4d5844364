"""What is to be proved of a task's destination, and what came of it: one row `ownership/<task>`, written conditionally.

The row holds a salted hash of the token, never the token. The hash is over task, destination and token: a token of
another task, or of the place where the task delivered before, is a wrong one. Limits: 7 days, 10 attempts a token. An
attempt is counted before its answer is looked at, so no race has more of them. Times are Unix seconds.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Literal

import msgspec

from logferry import rows
from logferry.errors import Misconfigured
from logferry.state import Item, Table

__all__ = ["ATTEMPTS", "LIFETIME", "SCHEMA", "Chance", "Proof", "Proofs", "Way", "bare", "digest"]

SCHEMA = 1
ATTEMPTS = 10
LIFETIME = 7 * 86_400.0
Way = Literal["file", "echo", "record"]
"""A file with the token, a receiver that says a nonce back, or a marked test record that carries the token."""
Chance = Callable[[int], bytes]
_PARTITION = "ownership"
_LONGEST = 4096  # characters of an answer that are looked at
_AROUND = " \t\r\n\v\f\u00a0\u200b\ufeff"  # blanks, ends of lines, Windows' byte order mark


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task's challenge. Without `made` none could be placed yet; with `proved` it is answered, the hash gone."""

    schema: int = SCHEMA
    destination: str  # fingerprint of the place that is meant
    way: Way = "file"
    file: str = ""  # where the token is
    salt: str = ""
    digest: str = ""
    made: float = 0.0
    attempts: int = 0
    proved: float = 0.0
    then: Literal["online", "offline"] = "online"  # the state that a person chose, for afterwards

    @property
    def expires(self) -> float:
        """Until when it can be answered."""
        return self.made + LIFETIME

    @property
    def left(self) -> int:
        """Attempts that are left."""
        return max(0, ATTEMPTS - self.attempts)


class Proofs:
    """The rows of all tasks, over one state table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, task: str) -> Proof | None:
        """The task's row, None if nothing had to be proved yet."""
        item = self._table.get(_PARTITION, task)
        return _decode(item) if item else None

    def want(self, task: str, wanted: Proof) -> None:
        """A proof for this place is needed from here on; what is known of the same place stays."""

        def change(old: Proof | None) -> Proof | None:
            return None if old and old.destination == wanted.destination else wanted

        self._edit(task, change)

    def challenge(self, task: str, new: Proof, *, over: float) -> Proof:
        """Keep a challenge that was placed, instead of the one made at `over`; if another came first, that one."""
        kept = new

        def change(old: Proof | None) -> Proof | None:
            nonlocal kept
            first = old is not None and old.destination == new.destination and (old.made != over or old.proved > 0)
            kept = old if first and old else new
            return None if first else new

        self._edit(task, change)
        return kept

    def attempt(self, task: str, destination: str, now: float) -> Proof:
        """Count an attempt and hand out what to compare with. Misconfigured says why there is none."""
        counted: list[Proof] = []  # each try of the conditional write counts anew

        def change(old: Proof | None) -> Proof:
            counted.append(_countable(task, destination, old, now))
            return counted[-1]

        self._edit(task, change)
        return counted[-1]

    def succeed(self, task: str, answered: Proof, now: float) -> bool:
        """The attempt was right; whether its challenge still stood."""
        stood = False

        def change(old: Proof | None) -> Proof | None:
            nonlocal stood
            stood = old is not None and (old.destination, old.made) == (answered.destination, answered.made)
            if old is None or not stood or old.proved:
                return None
            return msgspec.structs.replace(old, proved=now, salt="", digest="")

        self._edit(task, change)
        return stood

    def delete(self, task: str) -> None:
        """Forget the row."""
        rows.edit(self._table, _PARTITION, task, lambda item: rows.DELETE if item else None)

    def _edit(self, task: str, change: Callable[[Proof | None], Proof | None]) -> None:
        def written(item: Item | None) -> bytes | None:
            new = change(_decode(item) if item else None)
            return None if new is None else msgspec.json.encode(new)

        rows.edit(self._table, _PARTITION, task, written)


def bare(token: str) -> str:
    """The token without what editors and clipboards put around it."""
    return token[:_LONGEST].strip(_AROUND)


def digest(salt: str, task: str, destination: str, token: str) -> str:
    """The hash that is stored. One round is enough: a token has more chance in it than anybody can try."""
    said = json.dumps([task, destination, bare(token)]).encode()
    return hmac.new(bytes.fromhex(salt), said, hashlib.sha256).hexdigest()


def _countable(task: str, destination: str, old: Proof | None, now: float) -> Proof:
    """The row with one attempt more; Misconfigured if there must be none."""
    anew = f"logferry task challenge {task} makes a new one"
    if old is None or old.destination != destination or not old.made:
        raise Misconfigured(f"{task}: no token was made for this destination yet: {anew}")
    if old.proved:
        return old
    if now >= old.expires:
        raise Misconfigured(f"{task}: the token has expired, it was good for {LIFETIME / 86_400:.0f} days: {anew}")
    if not old.left:
        raise Misconfigured(f"{task}: no attempts are left, {ATTEMPTS} were wrong: {anew}")
    return msgspec.structs.replace(old, attempts=old.attempts + 1)


def _decode(item: Item) -> Proof:
    return rows.decode(item, Proof, SCHEMA, f"ownership of task {item.sort}")
