"""A post through the engine: a slot that is free takes it, as a range of one position, like any other range.

Each slot is a stream with a row, so that parking, park budget, counts and leases are the engine's own. A slot whose
owner was killed is free again when its lease ends; until then the next one is taken. What failed stays open: whatever
comes next into the slot is counted as perhaps repeated, since the sender of what failed sends it again.
"""

from collections.abc import Iterator, Sequence

from logferry.desk import Desk
from logferry.errors import StateError, Transient, Unfinished
from logferry.group import Part, Pull, pump
from logferry.job import Job
from logferry.ledger import Row
from logferry.sources._bodies import Piece
from logferry.sources._posts import PostSource

__all__ = ["MOST", "deliver", "resting", "spare"]

MOST = 64  # slots of one task: so many posts at once, in all processes together
_SPARE = range(MOST, 2 * MOST)  # slots for posts that are spilled: nothing is delivered there but what was
_LONGEST_REST = 15.0  # seconds: a sender gives up sooner than a stream's back-off would end


def deliver(job: Job, post: Sequence[Piece], source: PostSource, desk: Desk) -> Part:
    """Deliver or park all of it; the part says what came of it. Raises Transient, StateError, Unfinished.

    Transient: all slots are taken, or the destination wants to be left alone.
    """
    for row in _slots(job.name, desk):
        now = desk.patience.clock()
        if row.lease and row.lease.holds(now):
            continue
        rest = resting(row, now)
        if rest:
            raise Transient(row.last_error or "the destination failed a moment ago", retry_after=rest)
        end = str(int(row.position) + 1)
        held, patience = source.holding(post), desk.patience
        pull = Pull(held, row.stream, row.position, end, desk.ledger, desk.dead, desk.settings, patience)
        part = pump([job], pull)[job.name]
        if part.lane is not None or part.error is not None:
            return part
    raise Transient(f"all {MOST} slots are taken", retry_after=1.0)


def _slots(task: str, desk: Desk) -> Iterator[Row]:
    """What was left open first, so that no slot stays as one that failed; then by number, and a new one at last."""
    rows = [row for row in desk.ledger.rows(task) if int(row.stream) < MOST]
    known = sorted(rows, key=lambda row: (not (row.open or row.failures), int(row.stream)))
    yield from known
    names = {row.stream for row in known}
    for number in range(MOST):
        if str(number) not in names:
            yield _made(task, str(number), desk)


def spare(task: str, desk: Desk) -> Iterator[Row]:
    """Slots that a post can be spilled to: those that hold some come first, so that there are few of them."""
    known, now = {row.stream: row for row in desk.ledger.rows(task)}, desk.patience.clock()
    for name in sorted(map(str, _SPARE), key=lambda name: not (name in known and known[name].spilled)):
        row = known.get(name) or _made(task, name, desk)
        if not (row.lease and row.lease.holds(now)):
            yield row


def resting(row: Row, now: float) -> float:
    """Seconds that the slot's destination is still to be left alone."""
    return max(0.0, min(row.rest(now), row.updated + _LONGEST_REST - now))


def _made(task: str, slot: str, desk: Desk) -> Row:
    made = desk.ledger.create(task, slot, desk.source.position(slot, "begin"), now=desk.patience.clock())
    if made and not desk.is_online(task):  # asked after: a row made for a deleted task would start it all over
        desk.ledger.forget(task, slot)
        raise Unfinished(f"task {task} is not online any more")
    row = desk.ledger.get(task, slot)
    if row is None:
        raise StateError(f"task {task}: the row for slot {slot} vanished while it was made")
    return row
