"""The reference for every faster way of selecting: order of work, what is counted, what is left untouched."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logferry.model import Record
from logferry.plan import Plan, Tally, select


def record(ordinal: int, raw: bytes = b"", **fields: Any) -> Record:  # noqa: ANN401  # any value
    """A record with these fields."""
    return Record(ordinal, 1_700_000_000, 5, fields, raw)


def test_empty_plan_passes_everything_unchanged() -> None:
    """No stage: the very same records, nothing counted."""
    records, tally = [record(0, a="1"), record(1)], Tally()
    assert all(out is given for out, given in zip(select(Plan(), records, tally), records, strict=True))
    assert tally == Tally()


def test_sampling_comes_before_the_filter() -> None:
    """A record that is sampled out is counted as that, though the filter would drop it too."""
    plan = Plan(keep=lambda raw: raw == b"keep", needs=("a",), test=lambda fields: "a" in fields)
    tally = Tally()
    records = [record(0, b"keep", a=""), record(1, b"keep"), record(2, b"no", a=""), record(3, b"no")]
    assert [out.ordinal for out in select(plan, records, tally)] == [0]
    assert tally == Tally(filtered=1, sampled_out=2)


def test_filter_reads_fields_that_are_not_kept() -> None:
    """The filter sees the whole record; the selection comes after it."""
    plan = Plan(needs=("status",), test=lambda fields: fields.get("status") == "500", fields=("host",))
    (out,) = select(plan, [record(0, status="500", host="h"), record(1, status="200", host="h")], Tally())
    assert out.fields == {"host": "h"}


def test_fields_come_in_the_order_of_the_plan() -> None:
    """Absent ones are left out, not made up."""
    (out,) = select(Plan(fields=("c", "x", "a")), [record(0, a="1", b="2", c="3")], Tally())
    assert list(out.fields.items()) == [("c", "3"), ("a", "1")]


def test_selection_keeps_what_a_record_is() -> None:
    """Ordinal, time and raw bytes stay; the record that came in is not touched."""
    given = Record(7, 1, 2, {"a": "1", "b": "2"}, b"raw")
    (out,) = select(Plan(fields=("b",)), [given], Tally())
    assert out == Record(7, 1, 2, {"b": "2"}, b"raw")
    assert given.fields == {"a": "1", "b": "2"}


def test_further_stages_run_last_and_in_order() -> None:
    """Each takes what the one before made, after the selection."""

    def add(letter: str) -> Any:  # noqa: ANN401  # a stage
        return lambda out: Record(
            out.ordinal, out.time, out.nanos, {**out.fields, "way": out.fields.get("way", "") + letter}
        )

    (out,) = select(Plan(fields=("a",), then=(add("x"), add("y"))), [record(0, a="1", way="lost")], Tally())
    assert out.fields == {"a": "1", "way": "xy"}


def test_selection_is_lazy() -> None:
    """A record is read when it is asked for, so memory holds one at a time."""
    read = []

    def source() -> Iterator[Record]:
        for ordinal in range(10):
            read.append(ordinal)
            yield record(ordinal)

    chosen = select(Plan(), source(), Tally())
    next(chosen)
    next(chosen)
    assert read == [0, 1]


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=3))),
    st.lists(st.sampled_from("abcd"), unique=True) | st.none(),
)
def test_every_record_has_one_fate(rows: list[dict[str, str]], fields: list[str] | None) -> None:
    """Passed, filtered and sampled out add up to what came, and order is kept."""
    plan = Plan(
        keep=lambda raw: raw != b"\x01",
        needs=("a",),
        test=lambda found: "a" in found,
        fields=None if fields is None else tuple(fields),
    )
    tally = Tally()
    records = [Record(number, 0, 0, row, bytes([number % 3])) for number, row in enumerate(rows)]
    passed = [out.ordinal for out in select(plan, records, tally)]
    assert len(passed) + tally.filtered + tally.sampled_out == len(rows)
    assert passed == [number for number, row in enumerate(rows) if number % 3 != 1 and "a" in row]
