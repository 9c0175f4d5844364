"""What the ledger claims, checked: alone (ranges tile, counts add up) and against the source and the dead letters.

`problems` reads one row and nothing else. `recount` reads the settled ranges again at the source, runs the task's
plan over them, and compares; it changes nothing. Ranges that the source no longer holds are told, not failed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from logferry.dead_letters import STATES, DeadLetters, Place
from logferry.errors import Expired, Missing
from logferry.ledger import Entry, Gap, Row
from logferry.model import Counts, Position
from logferry.plan import Plan, Tally
from logferry.sources import Judged, Source

__all__ = ["Recount", "parked", "problems", "recount"]


@dataclass(frozen=True, slots=True)
class Recount:
    """What a second look found: differences, and what could not be looked at any more."""

    differences: list[str]
    notes: list[str]
    records: int  # read again


def problems(row: Row) -> list[str]:
    """Where the row contradicts itself; empty when it balances and tiles."""
    return [*_unbalanced(row), *_holes(row)]


def _unbalanced(row: Row) -> Iterator[str]:
    for entry in row.entries:
        counts = entry.counts
        if not counts.balanced:
            fates = counts.delivered + counts.filtered + counts.sampled_out + counts.parked
            yield (
                f"stream {row.stream}, range {entry.begin}..{entry.end}: read {counts.read}, but delivered "
                f"{counts.delivered} + filtered {counts.filtered} + sampled_out {counts.sampled_out} + parked "
                f"{counts.parked} = {fates}"
            )


def _holes(row: Row) -> Iterator[str]:
    """Entries and gaps must lead from the start to the position: a walk from piece to piece finds where they do not."""
    if _tiles(row):
        return
    entries, gaps = list(row.entries), list(row.gaps)
    at = row.start
    while entries or gaps:
        piece = _starting_at(at, entries) or _starting_at(at, gaps)
        if piece is None:
            following = (entries or gaps)[0]
            yield f"stream {row.stream}: hole between {at} and {following.begin}"
            piece = following
        (entries if isinstance(piece, Entry) else gaps).remove(piece)  # type: ignore[arg-type]  # its own list
        at = piece.end
    if at != row.position:
        yield f"stream {row.stream}: hole between {at} and the position {row.position}"


def _tiles(row: Row) -> bool:
    """Whether at each place as many pieces end as begin, but for start and position.

    The order does not matter: after seeks on and back, several pieces begin at one place, and a walk may take the
    wrong one first.
    """
    places = Counter((row.position,))
    places.subtract((row.start,))
    pieces: list[Entry | Gap] = [*row.entries, *row.gaps]
    for piece in pieces:
        places[piece.begin] += 1
        places[piece.end] -= 1
    return not any(places.values())


def _starting_at(at: Position, pieces: Sequence[Entry | Gap]) -> Entry | Gap | None:
    return next((piece for piece in pieces if piece.begin == at), None)


def parked(task: str, stream: str, dead: DeadLetters) -> dict[str, int]:
    """How many dead letters the object store holds, by state."""
    return dead.counts(task, stream)


def recount(
    task: str, row: Row, plan: Plan, source: Source, dead: DeadLetters, tick: Callable[[int], None] = lambda _n: None
) -> Recount:
    """Read the settled ranges again and compare; `tick` is called with the records of each batch."""
    differences: list[str] = []
    notes: list[str] = []
    total = 0
    for entry in row.entries:
        if entry.gaps:
            notes.append(
                f"stream {row.stream}, range {entry.begin}..{entry.end}: spans {entry.gaps} old gaps, not recounted"
            )
            continue
        try:
            seen, decoded = _count(row.stream, entry, plan, source, tick)
        except (Expired, Missing):
            notes.append(
                f"stream {row.stream}, range {entry.begin}..{entry.end}: no longer at the source, not recounted"
            )
            continue
        total += seen.read
        where = f"stream {row.stream}, range {entry.begin}..{entry.end}"
        if decoded != seen.read:
            differences.append(f"{where}: the source frames {seen.read} records, decoding gives {decoded}")
        for name in ("read", "filtered", "sampled_out", "filtered_at_source"):
            claimed, found = getattr(entry.counts, name), getattr(seen, name)
            if claimed != found:
                differences.append(f"{where}: the ledger says {name} {claimed}, the source {found}")
    differences.extend(_letters(task, row, source, dead))
    return Recount(differences, notes, total)


def _count(stream: str, entry: Entry, plan: Plan, source: Source, tick: Callable[[int], None]) -> tuple[Counts, int]:
    """What the range holds by its framing, what the plan leaves out, and how many records decoding met."""
    counts, decoded = Counts(), 0
    for batch in source.read(stream, entry.begin, entry.end):
        tally = Tally()
        decoded += sum(1 for _ in batch.select(plan, tally)) + tally.filtered + tally.sampled_out
        decoded += len(batch.unreadable) if isinstance(batch, Judged) else 0
        counts += Counts(
            read=batch.count,
            filtered=tally.filtered,
            sampled_out=tally.sampled_out,
            filtered_at_source=batch.filtered_at_source,
        )
        tick(batch.count)
    return counts, decoded


def _letters(task: str, row: Row, source: Source, dead: DeadLetters) -> Iterator[str]:
    """Dead letters of settled ranges must be in the store, as many as were counted.

    Those of ranges in flight come later; those of a range that was lost or skipped in flight were never counted.
    """
    order, counted = source.order, row.counts.parked
    ranges = [(order(entry.begin), order(entry.end)) for entry in row.entries]

    def held(places: Iterable[Place]) -> int:
        inside = (place for place in places if any(first <= order(place.begin) < last for first, last in ranges))
        return len({(place.begin, place.ordinal) for place in inside})

    found = held(place for state in STATES for place in dead.places(task, state, row.stream))
    if found > counted:  # an earlier task of this name may have left some: read them, to see how old they are
        letters = (letter for state in STATES for letter in dead.letters(task, state, row.stream))
        found = held(letter.place for letter in letters if letter.parked_at >= row.made)
    again = any(gap.reason == "rewound" for gap in row.gaps)  # a record parked twice has one letter, but counts twice
    spans = any(entry.gaps for entry in row.entries)  # ranges that hold gaps may hold letters that never counted
    if not (found == counted or (again and 0 < found < counted) or (spans and found > counted)):
        yield f"stream {row.stream}: the ledger says parked {counted}, the store holds {found} dead letters"
