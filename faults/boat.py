"""One cell's own things: logstore, task, front and sink; and what can be done with them.

Sizes: 600 records in groups of 20, five groups to a read: a batch, and so a save interval, is 100 records.
"""

import json
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tests.fakes.ferry import Ferry

from faults.adapters import Address
from faults.cells import Cell, adapter
from faults.fronts import Front
from faults.fronts.broker import BrokerFront
from faults.fronts.datagram import DatagramFront
from faults.fronts.stream import StreamFront
from faults.fronts.web import WebFront
from faults.harbour import Harbour
from logferry import calls, wiring
from logferry.errors import DeliveryError, LogferryError, told
from logferry.health import Holds
from logferry.ledger import Ledger, Row
from logferry.runtime import Call
from logferry_local.sinks import Place

__all__ = ["INTERVAL", "RECORDS", "TASK", "Boat", "Seen"]

RECORDS, GROUP, PULL = 600, 20, 5
INTERVAL = GROUP * PULL
TASK = "shipment"
_FRONTS: dict[str, type[Front]] = {
    "web": WebFront, "put": WebFront, "broker": BrokerFront, "stream": StreamFront, "datagram": DatagramFront,
}  # fmt: skip
_ID = re.compile(rb"id-\d{6}")
_TLS_RECORD = 16_384  # bytes of text at most
_ENOUGH = 3.3  # seconds left of a call that has met its fault: three are kept for the last save


class Seen(NamedTuple):
    """What one call came to."""

    held: str = ""  # why the task is held
    finished: bool = False
    text: str = ""  # all that it said
    rests: float = 0.0
    settled: int = 0  # records that have a fate
    killed: bool = False


class Boat:
    """Closed by `land`."""

    def __init__(self, cell: Cell, ferry: Ferry, harbour: Harbour, *, secure: bool) -> None:
        self.cell, self.ferry, self.harbour = cell, ferry, harbour
        self.adapter = adapter(cell.way.destination)
        self.out: Path = ferry.folder / "sink.ndjson"
        self.sink = self.adapter.sink(Place(self.out), cell.way)
        self.secure = secure or cell.way.secure
        self.front = self._front()
        self.groups: list[range] = []  # ids, as they were put
        self.big: set[int] = set()
        self._apply("127.0.0.1")
        self.shop = wiring.workshop(ferry.environ)
        # Ours: not in trouble when the shop's are.
        self._ledger, self._holds = Ledger(self.shop.table), Holds(self.shop.table)

    def good_context(self) -> ssl.SSLContext:
        """A certificate that the task trusts."""
        return self.harbour.authority.issue(["127.0.0.1"]).server_context()

    def put(self, records: int = RECORDS, group: int = GROUP, **extra: str) -> None:
        """Numbered records."""
        first = self.ferry.total
        self.ferry.put(records, group=group, **extra)
        self.groups += [range(at, min(at + group, first + records)) for at in range(first, first + records, group)]

    def address(self, host: str = "127.0.0.1") -> None:
        """The task's far side from now on."""
        self._apply(host)

    def sweep(self, seconds: float, over: Callable[[], bool] = lambda: False) -> Seen:
        """A call of this length, whose time is all but up once `over` is true."""
        until = time.monotonic() + seconds
        ends: list[float] = []

        def left() -> float:
            now = time.monotonic()
            if over() and not ends:
                ends.append(min(until, now + _ENOUGH))
            return (ends or [until])[0] - now

        try:
            answer = calls.sweep(Call({}, "request-1", self.ferry.environ, left))
        except LogferryError as error:
            answer = {"finished": False, "errors": told(error)}
        return self.look(answer)

    def look(self, answer: dict[str, Any], *, killed: bool = False) -> Seen:
        """The task as it stands."""
        row, health = self.row(), self._holds.health(TASK)
        said = json.dumps([answer.get("unfinished"), answer.get("errors")]) + row.last_error
        return Seen(
            held=health.reason if health else "", finished=bool(answer.get("finished")), text=said,
            rests=row.rest(time.time()), settled=row.counts.read, killed=killed,
        )  # fmt: skip

    def row(self) -> Row:
        """The ledger's row."""
        row = self._ledger.get(TASK, "0")
        if row is None:
            raise LookupError("the task has no row")
        return row

    def until_done(self, seconds: float = 40) -> bool:
        """Sweep as often as it takes; rests and holds are ended, as if their time had passed or a person had come."""
        until = time.monotonic() + seconds
        end = ""
        while time.monotonic() < until:
            end = self.ferry.logstore.get_cursor("0", "end")
            row = self.row()
            if (row.open, row.lease, row.position) == (None, None, end):
                return True
            self.rest_is_over()
            self.sweep(6)  # too short to sit a long rest out
            if self.row().lease:
                time.sleep(0.1)
        return False

    def rest_is_over(self) -> None:
        """No pause, no hold."""
        self._holds.release(TASK)
        now, row = time.time(), self.row()
        if row.rest(now) and not (row.lease and row.lease.holds(now)):
            self._ledger.edit(TASK, "0", lambda old: msgspec.structs.replace(old, retry_at=0), now=now)

    def land(self) -> None:
        """The engine lets go, then the front and the sink take what is still on its way."""
        wiring.dismiss()
        self.front.close()
        self.sink.close()

    def arrived(self) -> Counter[str]:
        """How often each record is in the sink's file; complete after `land`."""
        lines = self.out.read_bytes().splitlines(keepends=True) if self.out.exists() else []
        found = (self.adapter.identity(line) for line in lines if line.endswith(b"\n"))
        return Counter(one for one in found if one)

    def parked(self) -> set[str]:
        """Ids of the dead letters, from their original bytes."""
        letters = self.shop.dead.letters(TASK, "open", "0")
        return {one.decode() for letter in letters for one in _ID.findall(letter.bytes())}

    def swallowed(self) -> set[str]:
        """Ids of what the front's system took for it and the sink never got.

        A TLS record that has come in part cannot be looked into: as much as one holds is taken for swallowed too.
        """
        text = bytes(self.front.swallowed)
        found = {int(one[3:]) for one in _ID.findall(text)}
        if found and self.secure and isinstance(self.front, StreamFront):
            unseen = _TLS_RECORD * len(found) // len(text) + 1
            found |= {one + step for one in found if one + 1 not in found for step in range(1, unseen + 1)}
        return {f"id-{one:06d}" for one in found}

    def _front(self) -> Front:
        kind = next(_FRONTS[offer] for offer in _FRONTS if offer in self.cell.way.offers)
        port = int(self.sink.address.rpartition(":")[2])
        return kind(port, self.good_context() if self.secure else None, self.cell.fault.buffer)

    def _apply(self, host: str) -> None:
        ca_file = str(self.harbour.authority.ca_file) if self.secure else ""
        address = Address(host, self.front.port, ca_file, self.cell.fault.timeout)
        destination = {self.cell.way.destination: self.adapter.options(self.cell.way, address)}
        source = {"logstore": self.ferry.logstore.name, "max_groups": PULL}
        with suppress(DeliveryError):  # where the front is, no token of ownership can be placed: stored all the same
            self.ferry.apply(TASK, destination, source=source)
        wiring.workshop(self.ferry.environ).tasks.set_state(TASK, "online")  # as if the ownership was proved
