"""Made by the front: statuses, cut and silent connections, certificates; and a name that does not resolve."""

from typing import ClassVar

from faults.boat import RECORDS, Boat, Seen
from faults.fronts import ALWAYS, SINGLED_OUT, Mischief
from faults.troubles import Trouble

__all__ = ["Mischievous", "NoSuchName", "OneTooLarge", "WrongCertificate"]


class Mischievous(Trouble):
    """`kind`, `status`, `headers`, `taken`, `only` as in `Mischief`; `times` it happens; `again`: once more in the end.

    `call`: seconds of the first one; `whole`: it ends by itself. `culprit`: one record holds that word; `large`: one
    record is too large to be taken alone.
    """

    def load(self, boat: Boat) -> None:
        boat.put(RECORDS // 2)
        if "culprit" in self.options:
            boat.put(1, note="culprit")
        if "large" in self.options:
            boat.put(1, note="x" * 3_500)
        boat.put(RECORDS // 2)

    def begin(self, boat: Boat) -> None:
        boat.front.misbehave(self._mischief(), times=self.options.get("times", ALWAYS))

    def suffer(self, boat: Boat) -> Seen:
        ends = self.options.get("only") in SINGLED_OUT or self.options["kind"] in ("slow", "dropped")
        ends = ends or "times" in self.options or "whole" in self.options
        enough = ALWAYS if ends else self.ENOUGH
        enough = 1 if self.options["kind"] == "refused" else enough  # the refused connections are not seen here
        return boat.sweep(self.options.get("call", 30), lambda: self.met(boat) >= enough)

    def end(self, boat: Boat) -> None:
        if "again" in self.options:
            boat.front.misbehave(self._mischief(), after=0, times=1)
        elif self.options.get("only") not in SINGLED_OUT:
            boat.front.behave()

    def _mischief(self) -> Mischief:
        known = {name: value for name, value in self.options.items() if name in Mischief.__dataclass_fields__}
        return Mischief(**known)


class OneTooLarge(Trouble):
    """The receiver, or the encoder in its stead, does not take one record: nothing is made up."""

    def load(self, boat: Boat) -> None:
        boat.put(RECORDS // 2)
        boat.put(1, note="x" * 3_500)
        boat.put(RECORDS // 2)

    def met(self, boat: Boat) -> int:
        return len(boat.parked())

    def suffer(self, boat: Boat) -> Seen:
        return boat.sweep(30)


class WrongCertificate(Trouble):
    """`certificate`: `wrong_host`, `expired` or `unknown_ca`, until it is replaced by a good one."""

    SECURE: ClassVar[bool] = True

    def begin(self, boat: Boat) -> None:
        kind, harbour = self.options["certificate"], boat.harbour
        signed_by = harbour.stranger if kind == "unknown_ca" else harbour.authority
        host = "siem.example" if kind == "wrong_host" else "127.0.0.1"
        boat.front.tls = signed_by.issue([host], expired=kind == "expired").server_context()
        boat.front.misbehave(Mischief("certificate"), times=0)

    def end(self, boat: Boat) -> None:
        boat.front.tls = boat.good_context()
        boat.front.behave()


class NoSuchName(Trouble):
    """Until a person puts the right name into the task."""

    ENOUGH: ClassVar[int] = 1

    def begin(self, boat: Boat) -> None:
        boat.address("no-such-host.invalid")

    def end(self, boat: Boat) -> None:
        boat.address()

    def met(self, boat: Boat) -> int:
        return int("no-such-host.invalid" in boat.row().last_error)
