"""The destination: a payload is on its way until each partition has answered, nothing is left behind in a buffer.

Each batch has a number that the broker remembers: what was sent in doubt and is sent again by the engine goes out as
the same batch, and is taken once. One payload at a time, whoever sends it, so the order within a partition is kept.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from logferry.config import seconds
from logferry.destinations import Surroundings
from logferry.destinations.kafka import calls, options
from logferry.destinations.kafka.answers import DUPLICATE, FORGOTTEN, judge
from logferry.destinations.kafka.balancers import choosing
from logferry.destinations.kafka.batches import Batch, batches
from logferry.destinations.kafka.calls import Taken, Topic
from logferry.destinations.kafka.cluster import Cluster
from logferry.destinations.kafka.codecs import ATTRIBUTES, compressing
from logferry.destinations.kafka.link import Peer
from logferry.destinations.kafka.options import Config
from logferry.destinations.kafka.sasl import Login
from logferry.destinations.kafka.verdicts import Verdicts
from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.model import Confirmation, Limits, Origin, Payload

__all__ = ["Producer"]

_PATIENCE = 5.0  # seconds that closing waits for a send
_NUMBERS = 2**31  # of messages; then they begin anew


class _Left(NamedTuple):
    """Batches without a certain end, and the payload that would carry them again."""

    origin: Origin
    ordinals: list[int]
    parts: list[bytes]
    batches: list[Batch]


class Producer:
    """Reached by any number of threads, one after the other."""

    confirmation: Confirmation = "answer"

    def __init__(
        self, chosen: Config, surroundings: Surroundings, *,
        clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.limits = Limits(max_bytes=chosen.max_bytes, max_records=chosen.max_records, in_flight=1)
        self._options, self._vault, self._clock = chosen, surroundings.vault, clock
        self._choose = choosing(chosen.chooser, chance, consistent=chosen.consistent)
        peers = sorted((Peer(*options.broker(one)) for one in chosen.brokers), key=lambda _peer: chance())
        self._cluster = Cluster(peers, chosen.topic, chosen.trust, self._login, clock, surroundings.reach)
        self._stamp = chosen.trust.stamp() if chosen.trust else ()
        self._lock = threading.Lock()
        self._producer: tuple[int, int] | None = None
        self._numbers: dict[int, int] = {}
        self._left: _Left | None = None

    def check(self, time_out: float) -> None:
        """Reach a broker, look the topic up, and get a producer's number; nothing is created."""
        with self._turn(time_out) as deadline:
            self._cluster.forget()
            compressing(self._options.compress)
            self._cluster.topic(deadline)
            self._number(deadline)

    def send(self, payload: Payload, time_out: float) -> None:
        """All parts to their partitions; returns when all replicas in sync have them."""
        if not payload.parts:
            return
        with self._turn(time_out) as deadline:
            topic = self._cluster.topic(deadline)
            some = self._resumed(payload, topic) or self._batched(payload, topic)
            found = Verdicts(some, len(payload.parts))
            try:
                self._produce(some, found, deadline)
            except DeliveryError:
                raise
            except BaseException:
                self._cluster.close()  # an answer may still be on its way there
                raise
            finally:
                self._keep(payload, found)
            found.settle()

    def confirm(self, time_out: float) -> None:
        """Nothing to do: each answer confirmed its batches."""

    def refresh(self) -> bool:
        """Read the secrets and the certificates again; whether one changed."""
        trust, auth, changed = self._options.trust, self._options.auth, False
        before, self._stamp = self._stamp, trust.stamp() if trust else ()
        for reference in (auth.username, auth.password) if auth else ():
            if reference.startswith("secret://"):
                try:
                    changed |= self._vault.refresh(reference)
                except Misconfigured:
                    return False  # gone: the next send says so
        changed |= before != self._stamp
        if changed:
            with self._lock:
                self._cluster.reload()
        return changed

    def close(self) -> None:
        """Close the connections; nothing is left to be sent. A send that goes on for long finds them closed."""
        waited = self._lock.acquire(timeout=_PATIENCE)
        self._cluster.close()
        if waited:
            self._lock.release()

    @contextmanager
    def _turn(self, time_out: float) -> Iterator[float]:
        """The deadline, once it is our turn."""
        last = self._clock() + time_out
        if not self._lock.acquire(timeout=max(time_out, 0.0)):
            raise Transient("another payload of this task is on its way; nothing was sent")
        try:
            yield min(last, self._clock() + seconds(self._options.timeout))
        finally:
            self._lock.release()

    def _login(self) -> Login | None:
        auth = self._options.auth
        if auth is None:
            return None
        named = auth.username.startswith("secret://")
        username = self._vault.resolve(auth.username).reveal() if named else auth.username
        return Login(auth.kind, username, self._vault.resolve(auth.password))

    def _number(self, deadline: float) -> tuple[int, int]:
        if self._producer is None:
            self._producer = self._cluster.any(calls.new_producer, deadline)
            self._numbers.clear()
        return self._producer

    def _batched(self, payload: Payload, topic: Topic) -> list[Batch]:
        count, codec = len(topic.leaders), self._options.compress
        choose = self._choose
        return batches(
            payload.parts, lambda key, size: choose(key, size, count), compressing(codec), ATTRIBUTES[codec]
        )  # fmt: skip

    def _resumed(self, payload: Payload, topic: Topic) -> list[Batch]:
        """Batches that some or all of this payload was sent in before: alone, the others come after them."""
        left = self._left
        if left is None:
            return []
        is_same = left[:3] == (payload.origin, list(payload.ordinals), list(payload.parts))
        if is_same and all(batch.partition in topic.leaders for batch in left.batches):
            return left.batches
        self._drop(in_doubt=any(batch.is_uncertain for batch in left.batches))
        return []

    def _keep(self, payload: Payload, found: Verdicts) -> None:
        """What is to be sent once more, as it is."""
        again, rest = found.again, found.undone
        if found.is_lost or self._producer is None:
            self._drop(in_doubt=found.is_in_doubt)
        elif again:
            place = {index: number for number, index in enumerate(rest)}
            for batch in again:
                batch.indexes = [place[index] for index in batch.indexes]
            ordinals, parts = ([row[index] for index in rest] for row in (payload.ordinals, payload.parts))
            self._left = _Left(payload.origin, ordinals, parts, again)  # type: ignore[arg-type]  # two kinds of rows
        else:
            self._left = None

    def _drop(self, *, in_doubt: bool) -> None:
        """Send it no more. Where it may be there, our numbers are no longer known: a new producer begins at 0."""
        self._left = None
        if in_doubt:
            self._producer = None

    def _produce(self, some: list[Batch], found: Verdicts, deadline: float) -> None:
        """One request to each leader, then one answer from each."""
        producer, topic = self._number(deadline), self._cluster.topic(deadline)
        groups: dict[int, list[Batch]] = {}
        for batch in some:
            if batch.sequence is None:
                batch.seal(producer, self._numbers.get(batch.partition, 0))
            groups.setdefault(topic.leaders.get(batch.partition, -1), []).append(batch)
        flying = []
        for node, group in groups.items():
            try:
                link = self._cluster.leader(node, deadline)
                for batch in group:
                    batch.is_flying = True
                sent = calls.produce(link, self._options.topic, group, deadline, deadline - self._clock())
            except DeliveryError as error:
                self._failed(group, error, found)
                continue
            flying.append((link, sent, group))
        for link, sent, group in flying:
            try:
                answers = calls.produced(link, sent, deadline)
            except DeliveryError as error:
                self._failed(group, _unanswered(str(error)), found)
                continue
            for batch in group:
                self._judge(batch, answers.get(batch.partition), found)

    def _failed(self, group: list[Batch], error: DeliveryError, found: Verdicts) -> None:
        self._cluster.forget()
        for batch in group:
            found.fail(batch, error)

    def _judge(self, batch: Batch, taken: Taken | None, found: Verdicts) -> None:
        """One batch's verdict, from its partition's answer."""
        place = f"topic {self._options.topic}, partition {batch.partition}"
        if taken is None:
            self._failed([batch], _unanswered(f"{place}: no word of it"), found)
            return
        if taken.code in (0, DUPLICATE):
            self._numbers[batch.partition] = ((batch.sequence or 0) + len(batch.indexes)) % _NUMBERS
            found.take(batch)
            return
        error = judge(taken.code, place, taken.told, taken.wait)
        if taken.code in FORGOTTEN:
            self._producer = None
        if isinstance(error, Transient):
            self._cluster.forget()
        known = {number: told for number, told in taken.refused.items() if 0 <= number < len(batch.indexes)}
        if known:
            found.refuse(batch, known, error)
        else:
            found.fail(batch, error)


def _unanswered(reason: str) -> Transient:
    return Transient(f"{reason}; it may have been taken", in_doubt=True)
