"""Whoever makes a task proves that the place it delivers to is theirs. Until then it is `pending`: nothing is read.

`LOGFERRY_OWNERSHIP` says which tasks: `buckets` (default) those to `s3` and `s3_compatible`, as ESA does, and to `oss`
with a key or an endpoint that is not the account's own; `all` every task. The proof is bound to the place (`PLACE` of
the destination's file): other edits keep a task on line, another place needs another proof. Token: 160 bits, in a file
`ownership-challenge-<random>.txt` in the task's log directory, or in a marked test record where a destination keeps no
files. Docs: docs/ownership.md.
"""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec

from logferry import destinations, kinds, marked_record, registry
from logferry.destinations import Destination, Echoes, Files
from logferry.errors import ConfigError, LogferryError, Misconfigured
from logferry.kinds import Chosen
from logferry.ownership_row import Chance, Proof, Proofs, Way, digest
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import State, Stored, TaskStore

__all__ = ["Gate", "Opener", "built", "fingerprint", "is_needed", "location", "place_of", "policy"]

log = logging.getLogger(__name__)

_BUCKETS = frozenset({"s3", "s3_compatible"})  # whom ESA and its peers ask
_POLICIES = ("buckets", "all")
_TOKEN, _NAME, _SALT = 20, 8, 16  # bytes of chance
_SECONDS = 20.0  # that the destination may take


def is_needed(task: Task, environ: Mapping[str, str]) -> bool:
    """Whether this environment wants a proof for the task's destination."""
    if policy(environ) == "all" or task.destination.kind in _BUCKETS:
        return True
    # A kind that is for the same account says by `is_own_account(options)` whether that is so.
    own = getattr(registry.find("destinations", task.destination.kind), "is_own_account", None)
    return own is not None and not own(task.destination.options)


def policy(environ: Mapping[str, str]) -> str:
    """Whose destination has to be proved, as the environment says; ConfigError for a value that is none."""
    chosen = environ.get("LOGFERRY_OWNERSHIP") or "buckets"
    if chosen not in _POLICIES:
        raise ConfigError([f"LOGFERRY_OWNERSHIP: {chosen!r} is not {' or '.join(_POLICIES)}"], subject="environment")
    return chosen


def fingerprint(destination: Chosen | Mapping[str, Any]) -> str:
    """The place that a task delivers to, whatever else its options say."""
    place = kinds.place("destinations", destination)
    plain = json.dumps(msgspec.to_builtins(place), sort_keys=True).encode()
    return hashlib.sha256(plain).hexdigest()[:32]


def location(task: Task, proof: Proof) -> str:
    """Where the token is, in full, as far as it is in a file."""
    bucket = getattr(task.destination.options, "bucket", "")
    inside = proof.file.startswith(f"{bucket}/") or "://" in proof.file
    return proof.file if not bucket or not proof.file or inside else f"{bucket}/{proof.file}"


@contextmanager
def built(task: Task, around: Surroundings) -> Iterator[Destination]:
    """The task's destination, for as long as the block lasts."""
    options = destinations.Surroundings(task.task, around.vault, around.clock)
    made: Destination = registry.find("destinations", task.destination.kind).build(task.destination.options, options)
    try:
        yield made
    finally:
        made.close()


Opener = Callable[[Task, Surroundings], AbstractContextManager[Destination]]


class Gate:
    """One task and what has to be proved of it."""

    def __init__(
        self, task: Task, table: Table, around: Surroundings, *, opener: Opener = built,
        chance: Chance = secrets.token_bytes,
    ) -> None:  # fmt: skip
        self._task, self._name = task, task.task
        self._proofs, self._store = Proofs(table), TaskStore(table, around.clock)
        self._around, self._open, self._chance = around, opener, chance
        self._place = fingerprint(task.destination)
        self._needed = is_needed(task, around.environ)

    @property
    def proof(self) -> Proof | None:
        """What is known of this very place."""
        found = self._proofs.find(self._name)
        return found if found and found.destination == self._place else None

    def want(self, old: Stored | None) -> None:
        """Note, before the task is stored, that it waits for a proof, and what a person wants it to do afterwards."""
        if self.state(old) != "pending":
            return
        before = self._proofs.find(self._name)
        then = before.then if before and old and old.state == "pending" else "online"
        paused = old is not None and old.state == "offline"
        self._proofs.want(self._name, Proof(destination=self._place, then="offline" if paused else then))

    def state(self, old: Stored | None) -> State:
        """The state in which the task is stored over the old one."""
        known = self.proof
        if old and old.state != "pending" and place_of(old) == self._place:
            return old.state
        if self._needed and not (known and known.proved):
            return "pending"
        if old is None or old.state != "pending":
            return old.state if old else "online"
        before = self._proofs.find(self._name)
        return before.then if before else "online"

    def challenge(self, *, anew: bool = False) -> Proof:
        """Place a token, unless one is out already; `anew` in place of that one. Raises what the destination says."""
        known = self.proof
        if known and (known.proved or (known.made and not anew)):
            return known
        over = known.made if known else 0.0
        token = self._chance(_TOKEN).hex()
        way, file = self._placed(token)
        salt = self._chance(_SALT).hex()
        hashed = digest(salt, self._name, self._place, token) if way != "echo" else ""
        new = Proof(
            destination=self._place, way=way, file=file, salt=salt, digest=hashed, made=self._around.clock(),
            then=known.then if known else "online",
        )  # fmt: skip
        kept = self._proofs.challenge(self._name, new, over=over)
        log.info("ownership challenged", extra={"task": self._name, "way": way, "file": location(self._task, kept)})
        return kept

    def verify(self, token: str | None) -> None:
        """Take the token, or without one ask the destination itself. Misconfigured: wrong, expired, exhausted."""
        now = self._around.clock
        known = self.proof
        if known and known.way == "file" and token is None and known.made and not known.proved:
            token = self._read(known.file)
        if known and known.way == "record" and token is None:
            raise Misconfigured(f"{self._name}: what went as a test record cannot be read back: give the token")
        counted = self._proofs.attempt(self._name, self._place, now())
        if not counted.proved and not self._is_right(counted, token):
            log.warning("ownership not proved", extra={"task": self._name, "attempts_left": counted.left})
            raise Misconfigured(f"{self._name}: {_WRONG[counted.way]}, {counted.left} attempt(s) left")
        if not self._proofs.succeed(self._name, counted, now()):
            raise Misconfigured(f"{self._name}: another token was made meanwhile: use that one")
        self.open()
        log.info("ownership proved", extra={"task": self._name, "way": counted.way})

    def open(self) -> State | None:
        """Let the task work if nothing keeps it waiting any more, and it still delivers to this place; its state."""

        def decide(old: Stored) -> State:
            return self.state(old) if old.state == "pending" and place_of(old) == self._place else old.state

        self._store.turn(self._name, decide)
        found = self._store.find(self._name)
        return found.state if found else None

    def _placed(self, token: str) -> tuple[Way, str]:
        """Bring the token to where only the owner can read it."""
        with self._open(self._task, self._around) as destination:
            if isinstance(destination, Files):
                name = f"ownership-challenge-{self._chance(_NAME).hex()}.txt"
                return "file", destination.place_token(name, f"{token}\n", _SECONDS)
            if isinstance(destination, Echoes):
                return "echo", ""
            module = registry.find("destinations", self._task.destination.kind)
            encoder = module.encoder(
                self._task.destination.options, destinations.Surroundings(self._name, self._around.vault)
            )
            record = marked_record.marked(self._name, "ownership", self._around.clock(), token=token)
            marked_record.send(record, encoder, destination, _SECONDS)
        return "record", ""

    def _is_right(self, counted: Proof, token: str | None) -> bool:
        if counted.way == "echo":
            return self._echoes()
        return hmac.compare_digest(digest(counted.salt, self._name, self._place, token or ""), counted.digest)

    def _echoes(self) -> bool:
        with self._open(self._task, self._around) as destination:
            return isinstance(destination, Echoes) and destination.echo(self._chance(_TOKEN).hex(), _SECONDS)

    def _read(self, file: str) -> str:
        with self._open(self._task, self._around) as destination:
            if not isinstance(destination, Files):
                raise Misconfigured(f"{self._name}: this destination keeps no files: give the token")
            return destination.read_token(file, _SECONDS)


_WRONG: dict[Way, str] = {
    "file": "that is not the token",
    "record": "that is not the token",
    "echo": "the receiver did not answer with the nonce",
}


def place_of(stored: Stored) -> str:
    """The fingerprint of where a stored task delivers to; empty if this release cannot tell."""
    try:
        return fingerprint((stored.spec or {})["destination"])
    except (LogferryError, LookupError):  # a kind that this release does not know: no place that could be the same
        return ""
