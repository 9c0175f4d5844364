"""Engines that are broken on purpose: a cell that stays green over one of these proves nothing."""

from collections.abc import Callable

from logferry.destinations import Destination
from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.job import Job
from logferry.model import Payload
from logferry.state import Item, Table
from logferry.task import Task
from logferry.wiring import Workshop

__all__ = ["DEFECTS"]

Send = Callable[[Payload, float], None]


class _Wrapped:
    """A destination whose `send` is another's; with `deaf` it vouches for all that was sent."""

    def __init__(self, inner: Destination, send: Callable[[Send], Send], *, deaf: bool = False) -> None:
        self.confirmation, self.limits = inner.confirmation, inner.limits
        self.check, self.refresh, self.close = inner.check, inner.refresh, inner.close
        self.send = send(inner.send)
        self._confirm = inner.confirm
        self._deaf = deaf

    def confirm(self, time_out: float) -> None:
        if not self._deaf:
            self._confirm(time_out)


def swallows_errors(shop: Workshop) -> None:
    """What was not taken counts as taken, and nobody is asked later."""

    def send(inner: Send) -> Send:
        def quiet(payload: Payload, time_out: float) -> None:
            try:
                inner(payload, time_out)
            except DeliveryError:
                return

        return quiet

    _wrap(shop, send, deaf=True)


def drops_one_record(shop: Workshop) -> None:
    """The last record of the first payload never leaves."""
    counted = iter(range(1, 1_000_000))

    def send(inner: Send) -> Send:
        def careless(payload: Payload, time_out: float) -> None:
            if next(counted) == 1:
                parts = payload.parts[:-1]
                payload = Payload(parts, payload.ordinals[:-1], b"".join(parts))
            inner(payload, time_out)

        return careless

    _wrap(shop, send)


def sends_twice(shop: Workshop) -> None:
    """Everything, without a word in the ledger."""

    def send(inner: Send) -> Send:
        def eager(payload: Payload, time_out: float) -> None:
            inner(payload, time_out)
            inner(payload, time_out)

        return eager

    _wrap(shop, send)


def never_holds(shop: Workshop) -> None:
    """A wrong configuration is tried again for ever."""

    def send(inner: Send) -> Send:
        def stubborn(payload: Payload, time_out: float) -> None:
            try:
                inner(payload, time_out)
            except Misconfigured as error:
                raise Transient(str(error)) from error

        return stubborn

    _wrap(shop, send)


def never_looks_at_the_socket(shop: Workshop) -> None:
    """What was written counts as taken."""
    _wrap(shop, lambda inner: inner, deaf=True)


def forgets_dead_letters(shop: Workshop) -> None:
    """They are counted, and not written."""

    shop.dead.park = lambda *_args, **_options: ""  # type: ignore[method-assign]  # this workshop only


def skips_what_is_open(shop: Workshop) -> None:
    """A row is written as if the range in flight had been delivered: the position runs ahead."""
    import msgspec

    from logferry.ledger import Ledger, Row

    class Hasty:
        def __init__(self, table: Table) -> None:
            self._table = table
            self.get, self.delete, self.list, self.close = table.get, table.delete, table.list, table.close

        def put(
            self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None
        ) -> str:
            row = msgspec.json.decode(value, type=Row)
            if row.failures and row.open:
                row = msgspec.structs.replace(row, position=row.open.end, open=None)
            return self._table.put(partition, sort, msgspec.json.encode(row), expect=expect, expires=expires)

        def __repr__(self) -> str:
            return f"Hasty({sorted(Item._fields)})"

    shop.ledger = Ledger(Hasty(shop.table))


# What is broken, a cell that must notice, and what it must say.
DEFECTS: dict[str, tuple[Callable[[Workshop], None], str, str]] = {
    "swallows_errors": (swallows_errors, "splunk_hec/status_503", "records lost"),
    "swallows_socket_errors": (swallows_errors, "syslog_server tcp/reset_mid_body", "records lost"),
    "drops_one_record": (drops_one_record, "splunk_hec/table_lost_answer", "1 records lost"),
    "sends_twice": (sends_twice, "splunk_hec/one_refused", "the ledger speaks of"),
    "never_holds": (never_holds, "splunk_hec/status_401", "fate: retried, stated is held"),
    "never_looks_at_the_socket": (never_looks_at_the_socket, "syslog_server tcp/silent_stream", "records lost"),
    "forgets_dead_letters": (forgets_dead_letters, "splunk_hec/one_refused", "ledger:"),
    "skips_what_is_open": (skips_what_is_open, "splunk_hec/status_503", "records lost"),
}


def _wrap(shop: Workshop, send: Callable[[Send], Send], *, deaf: bool = False) -> None:
    build = shop._build  # noqa: SLF001  # every job comes from here

    def broken(task: Task, version: int) -> Job:
        built = build(task, version)
        if not isinstance(built.destination, _Wrapped):
            built.destination = _Wrapped(built.destination, send, deaf=deaf)
        return built

    shop._build = broken  # type: ignore[method-assign]  # noqa: SLF001  # this workshop only
