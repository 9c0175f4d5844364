"""Posts of logs over HTTP (`functions/receive`, `logferry serve receive`), signed by whoever sends them.

Nothing can be read again (`replays: never`), so a post is delivered or parked before its sender hears 200. A stream
is a slot that takes one post at a time (`_posts`). Docs: docs/receive.md.
"""

from typing import Annotated, Any

import msgspec

from logferry import config, signing
from logferry.config import Duration, SecretRef
from logferry.sources import Surroundings
from logferry.sources._bodies import Envelope, Form, MostRecords
from logferry.sources._moments import TimeField
from logferry.sources._posts import PostSource, revive

__all__ = ["IDENTITY", "PLACE", "Config", "build", "form_of", "ready", "revive", "rivals"]

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
    envelope: Envelope | None = None
    time_field: TimeField | None = None
    max_body: Annotated[int, msgspec.Meta(ge=1, le=64 * _MB, description="1-67108864 bytes")] = 32 * _MB
    max_inflated: Annotated[int, msgspec.Meta(ge=1, le=256 * _MB, description="1-268435456 bytes")] = 64 * _MB
    max_records: MostRecords = 100_000
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


def build(options: Config, surroundings: Surroundings) -> PostSource:
    """The source; it reaches nothing by itself."""
    return PostSource(options.time_field, surroundings.clock)


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
