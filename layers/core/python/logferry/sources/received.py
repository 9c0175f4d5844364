"""Posts of logs over HTTP (`functions/receive`, `logferry serve receive`), signed by whoever sends them.

Nothing can be read again (`replays: never`), so a post is delivered or parked before its sender hears 200. A stream
is a slot that takes one post at a time; its positions grow by one with each post, from the time in ms at which it was
made: the dead letters of an earlier task of that name, whose slots had these names too, keep their places. An original
is the record's time, a line feed and the record as it came. Docs: docs/receive.md.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from logferry import config, signing
from logferry.config import Duration, SecretRef
from logferry.errors import Expired, SourceError
from logferry.model import Position, Record, Value
from logferry.plan import Plan, Tally
from logferry.plan import select as select_reference
from logferry.sources import Progress, Replays, Stream, Surroundings
from logferry.sources._bodies import Form, Piece
from logferry.sources._moments import when

__all__ = ["IDENTITY", "PLACE", "Config", "Post", "ReceivedSource", "build", "form_of", "ready", "revive", "rivals"]

IDENTITY = ("path",)
PLACE: tuple[str, ...] = ()  # positions count posts, wherever they came to
_MB = 1_048_576

Around = Annotated[str, msgspec.Meta(max_length=4096, description="a text of at most 4096 characters")]
Path = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^/?[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1024}$(?!\n)",
        description="a path as it stands in a URL, such as /logs/esa",
    ),
]


class Config(config.Config, frozen=True, kw_only=True):
    """`source: {received: …}`."""

    path: Path
    keys: tuple[SecretRef, ...] = ()
    unsigned: bool = False
    leeway: Duration = "0s"
    longest: Duration | None = None
    signed_path: Path | None = None
    prefix: Around = ""
    suffix: Around = ""
    separator: Around = "\n"
    envelope: Annotated[str, msgspec.Meta(max_length=512, description="the key of an object")] | None = None
    time_field: Annotated[str, msgspec.Meta(max_length=512, description="the name of a field")] | None = None
    max_body: Annotated[int, msgspec.Meta(ge=1, le=64 * _MB, description="1-67108864 bytes")] = 32 * _MB
    max_inflated: Annotated[int, msgspec.Meta(ge=1, le=256 * _MB, description="1-268435456 bytes")] = 64 * _MB
    max_records: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="1-1000000")] = 100_000
    answer_within: Duration = "9s"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A path that a proxy or a browser would make another one of."""
        if name == "path" and (not value.startswith("/") or {".", ".."} & set(value.split("/"))):
            return [f"path: {value!r} is not an absolute path without . and .. in it"]
        return []

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = []
        if bool(self.keys) == self.unsigned:
            stated = "both are set" if self.keys else "neither is set"
            found.append(
                f"keys: {stated}, expected the sender's key as secret://env/NAME, or unsigned: true to take posts "
                "from anybody who can reach the receiver"
            )
        if len(self.keys) > 2:
            found.append(
                f"keys: {len(self.keys)} are given, at most two: the sender's, and the next one while keys change"
            )
        if config.seconds(self.answer_within) < 1:
            found.append(f"answer_within: {self.answer_within} is less than 1s")
        if self.unsigned and (self.longest or self.signed_path or config.seconds(self.leeway)):
            found.append("unsigned: goes with none of leeway, longest and signed_path")
        return found


class Post:
    """The pieces of one post as a batch: range [begin, begin + 1) of its slot."""

    filtered_at_source = 0

    def __init__(
        self, found: Sequence[Piece], begin: Position, time_of: Callable[[Mapping[str, Value]], tuple[int, int]]
    ) -> None:
        self._pieces, self._time_of = found, time_of
        self.begin, self.end = begin, str(int(begin) + 1)
        self.count = len(found)
        self.size = sum(len(piece.raw) for piece in found)
        self.unreadable: Mapping[int, str] = {i: piece.problem for i, piece in enumerate(found) if piece.problem}

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        """The readable records that pass."""
        return select_reference(plan, self._records(), tally)

    def original(self, ordinal: int) -> bytes:
        """Time, line feed, the record as it came."""
        piece = self._pieces[ordinal]
        time, nanos = self._time_of(piece.fields)
        return b"%d.%09d\n%b" % (time, nanos, piece.raw)

    def _records(self) -> Iterator[Record]:
        for ordinal, piece in enumerate(self._pieces):
            if not piece.problem:
                fields = piece.fields
                time, nanos = self._time_of(fields)
                yield Record(ordinal, time, nanos, fields, piece.raw)


class ReceivedSource:
    """What a task receives; holds one post while that is delivered, and nothing else."""

    replays: Replays = "never"
    progress: Progress = "ordered"

    def __init__(self, options: Config, clock: Callable[[], float], post: Sequence[Piece] = ()) -> None:
        self._options, self._clock, self._post = options, clock, post

    def holding(self, post: Sequence[Piece]) -> "ReceivedSource":
        """The same, with a post to be read."""
        return ReceivedSource(self._options, self._clock, post)

    def streams(self) -> list[Stream]:
        """None that could be asked for logs: they come by themselves."""
        return []

    def position(self, stream: str, at: str | int) -> Position:
        """A slot's begin: now, in ms. Nothing waits to be read behind it, so every slot is beyond its end."""
        del stream
        return str(int(self._clock() * 1000)) if at == "begin" else "0"

    def order(self, position: Position) -> int:
        """It is a number."""
        if not position.isdecimal():
            raise SourceError(f"position: {position[:80]!r} is not a number of posts")
        return int(position)

    def time_of(self, stream: str, position: Position) -> int:
        """Now: nothing waits here."""
        del stream, position
        return int(self._clock())

    def retention(self) -> float | None:
        """Nothing is kept."""
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Post]:
        """The post that is held, once. Expired for any other: it was here only while it was delivered."""
        if not self._post or self.order(end) != self.order(begin) + 1:
            raise Expired(f"slot {stream}: posts are not kept")
        now = self._clock()
        yield Post(self._post, begin, lambda fields: when(fields.get(self._options.time_field or ""), now))


def build(options: Config, surroundings: Surroundings) -> ReceivedSource:
    """The source; it reaches nothing by itself."""
    return ReceivedSource(options, surroundings.clock)


def ready(options: Config, surroundings: Surroundings) -> str:
    """What a check is told. Raises Misconfigured for a key that cannot be read, or is none."""
    for reference in options.keys:
        signing.private_key(reference, surroundings.vault)
    return "takes posts from anybody" if options.unsigned else f"takes posts signed with {len(options.keys)} key(s)"


def rivals(options: Config, other: Config) -> str:
    """Why a post could be meant for either of two tasks; empty if it never could."""
    if options.path != other.path:
        return ""
    if options.unsigned or other.unsigned:
        return f"posts to {options.path} could be meant for either, expected another path, or keys for both"
    shared = sorted(set(options.keys) & set(other.keys))
    return (
        f"posts to {options.path} with {shared[0]} could be meant for either, expected another path or key"
        if shared
        else ""
    )


def form_of(options: Config) -> Form:
    """How a body is written."""
    return Form(
        options.prefix.encode(), options.suffix.encode(), options.separator.encode(), options.envelope or "",
        options.max_records,
    )  # fmt: skip


def revive(original: bytes) -> Record:
    """The record that was parked as `original`. SourceError if it could not be read when it came."""
    head, _, raw = original.partition(b"\n")
    when = re.fullmatch(rb"(\d{1,10})\.(\d{9})", head)
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = None
    if when is None or fields is None:
        raise SourceError("a parked original is not a JSON object: it came so")
    return Record(0, int(when[1]), int(when[2]), fields, raw)
