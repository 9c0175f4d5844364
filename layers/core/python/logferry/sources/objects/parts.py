"""A part of an object as a batch: so many records, or so many bytes, that memory stays small."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from logferry.errors import Misconfigured
from logferry.model import Position, Record, Value
from logferry.plan import Plan, Tally
from logferry.plan import select as select_reference
from logferry.sources._moments import when
from logferry.sources.objects.cutting import Cut
from logferry.sources.objects.forms import Form, Head, fields_of, original

__all__ = ["Part", "Setting", "Wanted"]

_SMALL = 10  # with fewer records than this, "more than half" says nothing


class Wanted(NamedTuple):
    """An object that was put: what its event said of it."""

    bucket: str
    keys: tuple[str, ...]  # what the key may be, the likeliest first
    etag: str  # lower case; empty: not told
    at: float  # Unix seconds
    mark: str  # of this object with this content: 24 hexadecimal digits

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.bucket}/{self.keys[0]}"


class Setting(NamedTuple):
    """How records are read, and of which object."""

    wanted: Wanted
    form: Form
    time_field: str


class Part:
    """Range [begin, end) of a slot."""

    filtered_at_source = 0

    def __init__(self, cuts: Sequence[Cut], begin: Position, end: Position, setting: Setting) -> None:
        """Misconfigured if most of it cannot be read: then the format is another one."""
        self.begin, self.end, self._cuts, self._setting = begin, end, cuts, setting
        self.count, self.size = len(cuts), sum(len(cut.raw) for cut in cuts)
        # As objects, records are many times their size: kept until they are asked for, and no longer.
        self._read: list[Mapping[str, Value] | None] = []
        unreadable = {}
        for ordinal, cut in enumerate(cuts):
            found = cut.problem or fields_of(cut.raw, setting.form)
            self._read.append(None if isinstance(found, str) else found)
            if isinstance(found, str):
                unreadable[ordinal] = found
        self.unreadable: Mapping[int, str] = unreadable
        if len(cuts) >= _SMALL and len(unreadable) * 2 > len(cuts):
            reason = next(iter(unreadable.values()))
            raise Misconfigured(
                f"{setting.wanted.label}: {len(unreadable)} of {len(cuts)} records cannot be read as "
                f"{setting.form.format} ({reason}): correct format, or leave such objects out by prefix or suffix"
            )
        # Not by slot: the same object read once more through another one has its payloads under the same names.
        place = cuts[0].begin if cuts else 0
        self.named = f"object-{setting.wanted.mark}", f"{place}"

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        """The readable records that pass."""
        return select_reference(plan, self._records(), tally)

    def original(self, ordinal: int) -> bytes:
        """A head, a line feed, the record as it came."""
        cut, wanted = self._cuts[ordinal], self._setting.wanted
        found = "" if cut.problem else fields_of(cut.raw, self._setting.form)
        time, nanos = self._when({} if isinstance(found, str) else found)
        place = f"{wanted.label}+{cut.begin}"
        return original(cut.raw, Head(time=time, nanos=nanos, form=self._setting.form, object=place))

    def _records(self) -> Iterator[Record]:
        kept, self._read = self._read, []
        for ordinal, cut in enumerate(self._cuts):
            if ordinal in self.unreadable:
                continue
            fields = kept[ordinal] if kept else fields_of(cut.raw, self._setting.form)
            if fields is None or isinstance(fields, str):  # neither can be: it was read before
                continue
            time, nanos = self._when(fields)
            yield Record(ordinal, time, nanos, fields, cut.raw)
            if kept:
                kept[ordinal] = None

    def _when(self, fields: Mapping[str, Value]) -> tuple[int, int]:
        name, at = self._setting.time_field, self._setting.wanted.at
        return when(fields.get(name) if name else None, at)
