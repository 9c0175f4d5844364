"""Spilled batches as objects: read back as they were written, or refused."""

import gzip
from collections.abc import Callable

import msgspec
import pytest
from tests.fakes.engine import MemoryStore
from tests.fakes.forgetful import RawBatch, harbour

from logferry.errors import StateError
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.sls.write import encode_log_group, list_entry
from logferry.sources import Raw
from logferry.spill_source import SpillSource
from logferry.spill_store import SpillStore

Change = Callable[[bytes], bytes]


def kept(batch: Raw | None = None) -> tuple[MemoryStore, SpillStore]:
    """One batch in a store."""
    store = MemoryStore()
    spills = SpillStore(store)
    spills.keep("t", "a/b", batch or RawBatch(["one", "two", "six"], 1, 3), 1, 1_000_001)
    return store, spills


def test_a_batch_is_found_by_its_key_alone() -> None:
    """Stream and positions may have any characters; times and order are in it."""
    store, spills = kept()
    [piece] = spills.pieces("t", "a/b")
    assert (piece.begin, piece.end, piece.received) == ("1", "3", 1_000_001)
    assert piece.key == "spill/t/a%2Fb/00000000000000000001,1,3,1000001"
    assert list(store.objects) == [piece.key]
    assert (spills.pieces("t", "a"), spills.pieces("u", "a/b")) == ([], [])


def test_pieces_come_in_the_order_of_the_stream() -> None:
    """Whatever their cursors look like as text."""
    spills = SpillStore(MemoryStore())
    for begin in (100, 9, 20):
        spills.keep("t", "0", RawBatch(["x"] * 200, begin, begin + 1), begin, 0)
    assert [piece.begin for piece in spills.pieces("t", "0")] == ["9", "20", "100"]


def test_a_batch_comes_back_as_it_was() -> None:
    """Its bytes, and what its source's query had dropped."""
    group = encode_log_group([(1, 2, {"a": "1"}), (3, 4, {"b": "2"})], topic="t", source="s")
    batch = LogGroups(list_entry(len(group)) + group, "MTA=", "MTE=", filtered_at_source=7)
    _, spills = kept(batch)
    [piece] = spills.pieces("t", "a/b")
    found = spills.load(piece)
    assert found is not None
    assert (found.data, found.filtered_at_source, piece.begin, piece.end) == (batch.data, 7, "MTA=", "MTE=")
    again = LogGroups(found.data, piece.begin, piece.end, filtered_at_source=found.filtered_at_source)
    assert list(again.select(Plan(), Tally())) == list(batch.select(Plan(), Tally()))


def swap(body: bytes) -> bytes:
    """Other bytes of the same size, well packed."""
    head, _, packed = body.partition(b"\n")
    return head + b"\n" + gzip.compress(gzip.decompress(packed)[::-1])


def head(**changes: object) -> Change:
    """Another first line."""

    def change(body: bytes) -> bytes:
        line, _, packed = body.partition(b"\n")
        return msgspec.json.encode({**msgspec.json.decode(line), **changes}) + b"\n" + packed

    return change


CHANGES: list[Change] = [
    swap, head(size=3), head(size=-1), head(size=1 << 40), head(begin="2"), head(sha256="0"), head(count="many"),
    lambda body: body[:-14], lambda body: b"\n" + body, lambda body: body.partition(b"\n")[0], lambda _body: b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_what_was_written_is_refused(change: Change, caplog: pytest.LogCaptureFixture) -> None:
    """And told, with its key."""
    store, spills = kept()
    [piece] = spills.pieces("t", "a/b")
    store.objects[piece.key] = change(store.objects[piece.key])
    assert spills.load(piece) is None
    assert [(record.getMessage(), record.__dict__["key"]) for record in caplog.records] == [
        ("spilled batch unreadable", piece.key)
    ]


def test_an_object_of_a_newer_release_waits_for_it() -> None:
    """It is no damage: nothing is skipped."""
    store, spills = kept()
    [piece] = spills.pieces("t", "a/b")
    store.objects[piece.key] = head(schema=2)(store.objects[piece.key])
    with pytest.raises(StateError, match="upgrade logferry"):
        spills.load(piece)


def test_a_strange_object_is_named() -> None:
    """Somebody put it there: a person must move it away."""
    store, spills = kept()
    store.put("spill/t/a%2Fb/notes.txt", b"")
    with pytest.raises(StateError, match=r"notes\.txt: is no spilled batch"):
        spills.pieces("t", "a/b")


def test_what_lies_outside_of_the_spilled_range_is_not_looked_at() -> None:
    """Left over by a spill that was killed, or passed already: only what the row vouches for counts."""
    at = harbour()
    at.add()
    spills = at.bench.desk().spills
    for begin in (0, 10, 20, 30):
        spills.keep("t", "0", RawBatch(at.source.records, begin, begin + 10), begin, begin)
    at.bench.ledger.edit("t", "0", lambda row: msgspec.structs.replace(row.spill("30"), position="10"), now=0)
    seen = SpillSource(at.source, spills, "t", at.bench.ledger.rows("t"))
    assert [piece.begin for piece in seen.pieces("0")] == ["10", "20"]
    assert seen.pieces("1") == []
