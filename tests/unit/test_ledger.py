"""Rows tile, fold, jump and are owned by one at a time."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import proof
from logferry.errors import Conflict, StateError
from logferry.ledger import PLAIN, SCHEMA, Gap, Ledger, Open, Reason, Row
from logferry.model import Counts
from logferry.state.memory import open_table

NAMES = itertools.count()
READ = Counts(read=1, delivered=1)


def ledger() -> Ledger:
    """A ledger over a table of its own."""
    return Ledger(open_table(f"ledger-{next(NAMES)}", {}, lambda: 0.0))


def opened(begin: str = "0", end: str = "9") -> Open:
    """A range in flight."""
    return Open(begin=begin, end=end, task_version=1)


@given(st.lists(st.tuples(st.integers(1, 100_000), st.booleans()), max_size=30))
def test_any_history_of_commits_and_gaps_tiles_and_adds_up(steps: list[tuple[int, bool]]) -> None:
    """Whatever the times between saves, ranges tile, counts survive folding, and the row stays small."""
    row, now, commits = Row(schema=1, stream="0", start="0", position="0"), 0.0, 0
    for at, (pause, gap) in enumerate(steps, start=1):
        now += pause
        if gap:
            row = row.jump(Gap(begin=row.position, end=str(at), reason="skipped", at=int(now)))
        else:
            row, commits = row.commit(str(at), READ, now), commits + 1
    assert proof.problems(row) == []
    assert row.counts == Counts(read=commits, delivered=commits)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 100_000)), max_size=20), st.data())
def test_seeks_on_and_back_tile_and_a_lost_piece_is_found(
    steps: list[tuple[int, bool, int]], data: st.DataObject
) -> None:
    """Any walk over few places, so that pieces begin at the same one many times; without one of them it is a hole."""
    row, now = Row(schema=1, stream="0", start="0", position="0"), 0.0
    for to, seek, pause in steps:
        now += pause
        if seek and str(to) != row.position:
            reason: Reason = "skipped" if to > int(row.position) else "rewound"
            row = row.jump(Gap(begin=row.position, end=str(to), reason=reason, at=int(now)))
        elif to > int(row.position):
            row = row.commit(str(to), READ, now)
    assert proof.problems(row) == []
    if row.gaps:
        lost = data.draw(st.sampled_from(range(len(row.gaps))))
        row = msgspec.structs.replace(row, gaps=row.gaps[:lost] + row.gaps[lost + 1 :])
        assert any("hole" in problem for problem in proof.problems(row))


def test_a_skip_that_was_taken_back_is_no_hole() -> None:
    """`seek --to end`, then back to where it stood: one settled range lies around the two gaps."""
    row = Row(schema=1, stream="0", start="0", position="0").commit("3", READ, 1.0)
    row = row.jump(Gap(begin="3", end="9", reason="skipped", at=2)).jump(
        Gap(begin="9", end="3", reason="rewound", at=3)
    )
    assert proof.problems(row.commit("5", READ, 4.0)) == []


def test_a_commit_that_does_not_tile_is_found() -> None:
    """A position that moved by itself leaves a hole."""
    row = Row(schema=1, stream="0", start="0", position="0").commit("5", READ, 1.0)
    row = msgspec.structs.replace(row, position="7").commit("9", READ, 2.0)
    assert proof.problems(row) == ["stream 0: hole between 5 and 7"]


def test_a_row_is_small() -> None:
    """Under 1 KB after a week with a save every five seconds."""
    row = Row(schema=1, stream="12", start="MTQ4MDU0OTM0Njc2MDk3OTUxOQ==", position="MTQ4MDU0OTM0Njc2MDk3OTUxOQ==")
    for i in range(7):
        row = row.commit(f"MTQ4MDU0OTM0Njc2MDk3OTUx{i:02d}==", Counts(read=10**9, delivered=10**9), i * 86_400.0)
    assert len(msgspec.json.encode(row)) < 1_024


def test_only_one_owner_at_a_time() -> None:
    """A live lease blocks; an expired one does not."""
    book = ledger()
    book.create("t", "0", "0")
    assert book.claim("t", "0", opened(), now=100, until=160)
    assert book.claim("t", "0", opened(), now=150, until=210) is None
    assert book.claim("t", "0", opened(), now=161, until=221)


def test_the_old_owner_cannot_save_after_a_take_over() -> None:
    """Its write meets another version: Conflict, nothing changed."""
    book = ledger()
    book.create("t", "0", "0")
    old = book.claim("t", "0", opened(), now=100, until=160)
    new = book.claim("t", "0", opened(), now=161, until=221)
    assert old
    assert new
    with pytest.raises(Conflict):
        old.save(old.row.commit("5", READ, 162))
    row = book.get("t", "0")
    assert row
    assert row.position == "0"


def test_a_range_that_no_longer_begins_at_the_position_is_not_claimed() -> None:
    """Somebody moved the position between look and claim."""
    book = ledger()
    book.create("t", "0", "3")
    assert book.claim("t", "0", opened("0"), now=1, until=2) is None


def test_creating_twice_keeps_the_first() -> None:
    """A start position is written once."""
    book = ledger()
    assert book.create("t", "0", "3")
    assert not book.create("t", "0", "8")
    row = book.get("t", "0")
    assert row
    assert row.position == "3"


def test_seek_is_refused_while_somebody_works() -> None:
    """A person cannot pull the position from under a run."""
    book = ledger()
    book.create("t", "0", "0")
    book.claim("t", "0", opened(), now=100, until=160)
    gap = Gap(begin="0", end="9", reason="skipped", at=120)
    with pytest.raises(Conflict, match="in work until 160"):
        book.seek("t", "0", gap)


def test_a_row_of_a_newer_release_is_refused() -> None:
    """Never guess what an unknown schema means."""
    table = open_table(f"ledger-{next(NAMES)}", {}, lambda: 0.0)
    body = msgspec.json.encode({"schema": SCHEMA + 1, "stream": "0", "somewhere": "else"})
    table.put("ledger/t", "0", body, expect=None)
    with pytest.raises(StateError, match=f"schema {SCHEMA + 1}.*upgrade"):
        Ledger(table).get("t", "0")


def test_delete_forgets_all_streams() -> None:
    """A deleted task starts anew if it is made again."""
    book = ledger()
    for stream in ("0", "1"):
        book.create("t", stream, "0")
    book.create("other", "0", "0")
    assert book.delete("t") == 2
    assert book.rows("t") == []
    assert len(book.rows("other")) == 1


def test_every_row_says_its_schema() -> None:
    """A later release can tell what it reads."""
    table = open_table(f"ledger-{next(NAMES)}", {}, lambda: 0.0)
    Ledger(table).create("t", "0", "0")
    item = table.get("ledger/t", "0")
    assert item
    assert msgspec.json.decode(item.value)["schema"] == PLAIN


@given(st.lists(st.tuples(st.integers(1, 200_000), st.sampled_from(["gap", "commit", "back"])), max_size=60))
def test_a_row_stays_small_however_many_gaps_there_were(steps: list[tuple[int, str]]) -> None:
    """A stream that outruns its retention, or a script that seeks every night, must not outgrow the table's row."""
    cursor = "MTQ4MDU0OTM0Njc2MDk3{:04d}=="
    row = Row(schema=1, stream="12", start=cursor.format(0), position=cursor.format(0))
    now, commits, gaps, lost = 0.0, 0, 0, 0
    for at, (pause, step) in enumerate(steps, start=1):
        now += pause
        if step == "commit":
            row, commits = row.commit(cursor.format(at), READ, now), commits + 1
        else:
            gaps, lost = gaps + 1, lost + (7 if step == "gap" else 0)
            reason: Reason = "expired" if step == "gap" else "rewound"
            end = cursor.format(at if step == "gap" else 0)
            row = row.jump(Gap(begin=row.position, end=end, reason=reason, at=int(now), estimate=7))
    assert proof.problems(row) == []
    assert row.counts == Counts(read=commits, delivered=commits)
    assert len(row.gaps) + sum(entry.gaps for entry in row.entries) == gaps
    told = sum(gap.estimate or 0 for gap in row.gaps if gap.reason == "expired")
    assert told + sum(entry.estimate for entry in row.entries) == lost
    assert len(msgspec.json.encode(row)) < 5_000


def test_the_newest_gaps_are_told_one_by_one() -> None:
    """What a person must look at is there; only old ones are summed up."""
    row = Row(schema=1, stream="0", start="0", position="0")
    for at in range(1, 12):
        row = row.commit(f"{at}0", READ, at).jump(Gap(begin=f"{at}0", end=f"{at}5", reason="expired", at=at))
    assert [gap.at for gap in row.gaps] == list(range(4, 12))
    assert row.entries[0].gaps == 3


def test_an_owner_recognises_its_own_earlier_write() -> None:
    """A write whose answer never came is under the row, with our name: the next one goes on top of it."""
    table = open_table(f"ledger-{next(NAMES)}", {}, lambda: 0.0)
    book = Ledger(table)
    book.create("t", "0", "0")
    claim = book.claim("t", "0", opened(), now=100, until=160)
    assert claim
    item = table.get("ledger/t", "0")
    assert item
    unheard = msgspec.structs.replace(claim.row, updated=123.0)
    table.put("ledger/t", "0", msgspec.json.encode(unheard), expect=item.version)
    claim.save(claim.row.commit("5", READ, 130))
    row = book.get("t", "0")
    assert row
    assert row.position == "5"


def test_a_dead_owner_that_wakes_up_after_a_seek_changes_nothing() -> None:
    """The seek took its lease away, so its name is not on the row any more."""
    book = ledger()
    book.create("t", "0", "0")
    old = book.claim("t", "0", opened(), now=100, until=160)
    assert old
    book.seek("t", "0", Gap(begin="0", end="9", reason="skipped", at=200))
    with pytest.raises(Conflict):
        old.save(old.row.commit("5", READ, 201))
    row = book.get("t", "0")
    assert row
    assert (row.position, row.lease) == ("9", None)


def test_an_open_range_is_only_claimed_as_a_whole() -> None:
    """Between a look and the claim somebody may have begun a range and died: it must be finished as it was begun."""
    book = ledger()
    book.create("t", "0", "0")
    book.claim("t", "0", opened(end="5"), now=100, until=160)
    assert book.claim("t", "0", opened(end="9"), now=200, until=260) is None
    assert book.claim("t", "0", opened(end="5"), now=200, until=260)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"\xff", b'{"schema":1,"stream":1}', b'{"schema":"x"}'])
def test_a_row_that_is_none_is_a_state_error(body: bytes) -> None:
    """Never an exception that nobody expects."""
    table = open_table(f"ledger-{next(NAMES)}", {}, lambda: 0.0)
    table.put("ledger/t", "0", body, expect=None)
    with pytest.raises(StateError, match="0"):
        Ledger(table).get("t", "0")
