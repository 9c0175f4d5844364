"""A backfill before it begins: the window, the ranges, what overlaps, how much it is."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.fakes.engine import MemoryBatch, MemorySource

from logferry.backfills import Part, Range, Run
from logferry.errors import ConfigError
from logferry.ledger import Gap, Ledger, Row
from logferry.model import Counts, Position
from logferry.sources import Stream
from logferry.state.memory import open_table
from logferry_local.backfill import estimate, overlap, planning, window

NOW = 1_800_000_000.0
DAY = 86_400


class Shards(MemorySource):
    """Several streams; a record's position is also its receive time, in seconds after 1,000,000."""

    def __init__(self, streams: list[Stream], held: dict[str, tuple[int, int]]) -> None:
        super().__init__([f"{number:03d}" * 10 for number in range(1000)])
        self.all, self.held = streams, held

    def streams(self) -> list[Stream]:
        """All of them."""
        return self.all

    def position(self, stream: str, at: str | int) -> Position:
        """Within what the stream holds."""
        first, last = self.held[stream]
        places = {"begin": first, "end": last}
        wanted = places[at] if isinstance(at, str) else at - 1_000_000
        return str(min(max(wanted, first), last))


def stream(name: str, born: int = 1_000_000, *parents: str, is_open: bool = True) -> Stream:
    """One shard."""
    return Stream(name=name, born=born, open=is_open, parents=parents)


def planned(begin: int = 10, end: int = 50) -> Range:
    """One stream's range."""
    return Range(stream="0", born=7, begin=str(begin), parts=(Part(str(end)),))


def parse(since: str, until: str) -> window.Window:
    """A window as it is read at `NOW`."""
    return window.parse(since, until, NOW)


def test_times_without_an_offset_are_utc_and_it_is_said() -> None:
    """The note names the text."""
    asked = parse("2026-07-01 00:00:00", "2026-07-01T02:00:00+01:00")
    assert asked.until - asked.since == 3600
    assert asked.notes == ("2026-07-01 00:00:00 has no offset: taken as UTC",)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("soon", "later", ["--from: 'soon' is not a time", "--to: 'later' is not a time"]),
        ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z", ["is not after --from"]),
        ("2026-07-02T00:00:00Z", "2026-07-01T00:00:00Z", ["is not after --from"]),
        ("2026-07-01T00:00:00Z", "2099-07-01T00:00:00Z", ["is in the future", "2027-01-15T08:00:00Z (now)"]),
    ],
    ids=["no times", "nothing between", "reversed", "future"],
)
def test_a_window_that_is_none_is_refused(since: str, until: str, words: list[str]) -> None:
    """Every mistake, with its option."""
    with pytest.raises(ConfigError) as found:
        parse(since, until)
    assert all(word in str(found.value) for word in words)


def test_what_the_source_has_forgotten_is_told() -> None:
    """A part of the window: a note. All of it: an error. None of it, or no retention: nothing."""
    asked = window.Window(int(NOW) - 10 * DAY, int(NOW) - 2 * DAY)
    assert window.within(asked, None, NOW) == window.within(asked, 30 * DAY, NOW) == asked
    [note] = window.within(asked, 7 * DAY, NOW).notes
    assert "keeps records for 7 days" in note
    with pytest.raises(ConfigError, match="is left"):
        window.within(asked, DAY, NOW)


def test_streams_that_lived_at_another_time_are_left_out() -> None:
    """Drained before the window, born after it; parents stand before children, and only those that are planned."""
    source = Shards(
        [
            stream("0", is_open=False),
            stream("1", 1_000_020, "0", is_open=False),
            stream("2", 1_000_060, "1"),
            stream("3", 1_000_095, "2"),
        ],
        {"0": (0, 20), "1": (20, 60), "2": (60, 200), "3": (200, 300)},
    )
    found = planning.ranges(source, window.Window(1_000_030, 1_000_090))
    assert [(one.stream, one.begin, one.end, one.parents) for one in found] == [
        ("1", "30", "60", ()), ("2", "60", "90", ("1",)),
    ]  # fmt: skip


def test_a_stream_that_was_made_anew_or_is_gone_is_told() -> None:
    """Its cursors mean nothing any more."""
    source = Shards([stream("0", 8)], {"0": (0, 9)})
    gone = Range(stream="4", born=7, begin="0", parts=(Part("9"),))
    problems = planning.missing([planned(), gone], source)
    assert [problem[:24] for problem in problems] == ["stream 0 was made anew s", "stream 4 is not at the s"]


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """An empty one."""
    return Ledger(open_table(request.node.nodeid, {}, lambda: 0.0))


def live(ledger: Ledger, start: int, *entries: tuple[int, int], gaps: tuple[tuple[int, int], ...] = ()) -> None:
    """A live row that settled these ranges."""
    ledger.create("t", "0", str(start), 7)

    def change(row: Row) -> Row:
        for begin, end in sorted((*entries, *gaps)):
            if (begin, end) in gaps:
                row = row.jump(Gap(begin=str(begin), end=str(end), reason="skipped", at=0))
            else:
                row = row.commit(str(end), Counts(), 0.0)
        return row

    ledger.edit("t", "0", change, now=0.0)


def overlaps(ledger: Ledger, *runs: Run) -> list[tuple[str, str]]:
    """What overlaps the planned range."""
    found = overlap.find([planned()], "t", ledger, runs, MemorySource([]))
    return [(one.begin, one.end) for one in found]


def test_a_window_before_the_live_runs_start_is_free(ledger: Ledger) -> None:
    """It will never read that."""
    live(ledger, 50, (50, 90))
    assert overlaps(ledger) == []


def test_what_the_live_run_settled_or_will_read_overlaps(ledger: Ledger) -> None:
    """Settled ranges, clipped; from its position on everything; a skipped gap between is free."""
    live(ledger, 0, (0, 20), (30, 40), gaps=((20, 30),))
    assert overlaps(ledger) == [("10", "20"), ("30", "40"), ("40", "50")]


def test_a_stream_that_the_live_run_has_not_met_overlaps_wholly(ledger: Ledger) -> None:
    """It will begin at the stream's begin; the same if the stream was made anew since."""
    assert overlaps(ledger) == [("10", "50")]
    ledger.create("t", "0", "100", 6)
    assert overlaps(ledger) == [("10", "50")]


def run(state: Any, begin: int, end: int) -> Run:  # noqa: ANN401  # one of three words
    """Another run over the same stream."""
    ranges = (planned(begin, end),)
    return Run(run="r", task="t", version=1, since=0, until=1, made=0, state=state, ranges=ranges)


def test_other_runs_overlap_by_their_ranges_an_abandoned_one_by_what_it_settled(ledger: Ledger) -> None:
    """One that is not done will deliver all of its range."""
    live(ledger, 50)
    assert overlaps(ledger, run("done", 0, 20)) == overlaps(ledger, run("open", 0, 20)) == [("10", "20")]
    assert overlaps(ledger, run("abandoned", 0, 20)) == []
    ledger.of_run("r").create("t", "0", "0", 7)
    ledger.of_run("r").edit("t", "0", lambda row: row.commit("15", Counts(), 0.0), now=0.0)
    assert overlaps(ledger, run("abandoned", 0, 20)) == [("10", "15")]


def test_overlaps_are_told_as_times_within_the_window() -> None:
    """A person knows times, not cursors; no later than was asked for."""
    found = overlap.Overlap("0", "10", "50", "the live run delivered it")
    [line] = overlap.told([found], (1_000_000, 1_000_040), MemorySource([]))
    assert line == "stream 0, received 1970-01-12T13:46:50Z to 1970-01-12T13:47:20Z: the live run delivered it"


@pytest.mark.parametrize(
    ("pieces", "parts"),
    [
        ([], [("50", False)]),
        ([(10, 50)], [("50", True)]),
        ([(10, 20)], [("20", True), ("50", False)]),
        ([(20, 30)], [("20", False), ("30", True), ("50", False)]),
        ([(30, 50), (10, 35)], [("50", True)]),
        ([(10, 20), (30, 40), (15, 18)], [("20", True), ("30", False), ("40", True), ("50", False)]),
    ],
)
def test_a_range_is_cut_where_overlaps_begin_and_end(pieces: list[Any], parts: list[Any]) -> None:
    """Parts tile, and each is wholly repeated or wholly new."""
    found = [overlap.Overlap("0", str(begin), str(end), "") for begin, end in pieces]
    cut = overlap.cut(planned(), found, int)
    assert [(part.end, part.again) for part in cut.parts] == parts
    assert cut.end == "50"


class Uneven(Shards):
    """Ten cursors a read; from position 500 on its records are ten times as large."""

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[MemoryBatch]:
        """As large as it says."""
        for batch in super().read(stream, begin, end):
            if int(batch.begin) >= 500:
                batch.size *= 10
            yield batch


def measured(source: MemorySource, begin: int, end: int) -> estimate.Estimate:
    """The estimate of a range; pulls of 40 groups."""
    return estimate.of_range(planned(begin, end), source, (1_000_000 + begin, 1_000_000 + end), 40)


def test_an_estimate_of_what_was_wholly_sampled_is_exact() -> None:
    """Two samples that are all there is."""
    found = measured(Shards([], {"0": (0, 1000)}), 10, 30)
    assert (found.groups, found.records, found.bytes, found.requests, found.sure) == (20, 20, 600, 1, "exact")


def test_an_estimate_from_samples_that_agree_is_good() -> None:
    """Rates times cursors; as many requests as pulls of the task's size."""
    found = measured(Shards([], {"0": (0, 1000)}), 0, 1000)
    assert (found.records, found.bytes, found.requests, found.sampled, found.sure) == (1000, 30_000, 25, 20, "good")


def test_an_estimate_from_samples_that_differ_is_rough() -> None:
    """The middle of the time is looked at, not the begin alone."""
    found = measured(Uneven([], {"0": (0, 1000)}), 0, 1000)
    assert (found.records, found.bytes, found.sure) == (1000, 165_000, "rough")


def test_the_sum_is_as_sure_as_its_least_sure_part() -> None:
    """And nothing at all is exactly nothing."""
    parts = [measured(Shards([], {"0": (0, 1000)}), 0, 20), measured(Uneven([], {"0": (0, 1000)}), 0, 1000)]
    found = estimate.total(parts)
    assert (found.records, found.groups, found.sure) == (1020, 1020, "rough")
    assert (estimate.total([]).records, estimate.total([]).sure) == (0, "exact")
