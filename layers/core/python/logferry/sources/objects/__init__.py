"""Log objects in buckets of S3 or OSS (or files in a folder), read when their store tells that they were put.

`replays: by_key`, `progress: set`: what was put is noted in the state table, one row an object, and delivered through
slots: streams that take one object at a time. Docs: docs/sources/objects.md.
"""

from functools import cache
from typing import Annotated, Any

import msgspec

from logferry import config, objects, registry
from logferry.config import Duration, seconds
from logferry.errors import ConfigError
from logferry.objects import Streams
from logferry.put_events import Put
from logferry.sources import Surroundings
from logferry.sources._bodies import Envelope
from logferry.sources._moments import TimeField
from logferry.sources.objects import fences
from logferry.sources.objects.forms import Format, revive
from logferry.sources.objects.parts import Wanted
from logferry.sources.objects.source import ObjectsSource
from logferry.sources.objects.unpacking import Compression

__all__ = [
    "IDENTITY", "PLACE", "Config", "ObjectsSource", "Wanted", "build", "feeds", "is_here", "ready", "revive", "rings",
]  # fmt: skip

IDENTITY = ("bucket", "prefix", "suffix")
PLACE = ("bucket",)  # what is noted but not delivered yet is asked for there
_MB = 1_048_576

Place = Annotated[
    str,
    msgspec.Meta(max_length=1024, description="a bucket such as s3:NAME?region=…, oss:NAME?region=… or folder:PATH"),
]
Key = Annotated[str, msgspec.Meta(max_length=900, description="a part of a key of at most 900 characters")]
Column = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]


class Config(config.Config, frozen=True, kw_only=True):
    """`source: {objects: …}`."""

    bucket: Place
    prefix: Key = ""
    suffix: Key = ""
    format: Format = "ndjson"
    compression: Compression = "auto"
    envelope: Envelope | None = None
    columns: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1, max_length=500)] | None = None
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1, description="one character")] = ","
    skip_lines: Annotated[int, msgspec.Meta(ge=0, le=100, description="0-100")] = 0
    time_field: TimeField | None = None
    max_record: Annotated[int, msgspec.Meta(ge=100, le=16 * _MB, description="100-16777216 bytes")] = _MB
    max_records: Annotated[int, msgspec.Meta(ge=1, le=100_000, description="1-100000")] = 10_000
    max_object: Annotated[int, msgspec.Meta(ge=1, le=1 << 40, description="1-1099511627776 bytes")] = 10 << 30
    remember: Duration = "14d"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A bucket that is none."""
        return _bucket_problems(value) if name == "bucket" else []

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = []
        if self.envelope is not None and self.format != "json":
            found.append(f"envelope: goes with format: json only, not with {self.format}")
        if (self.columns or self.skip_lines) and self.format != "csv":
            found.append(f"columns: goes, like skip_lines, with format: csv only, not with {self.format}")
        if self.columns and len(set(self.columns)) < len(self.columns):
            found.append("columns: a name stands there twice")
        if self.delimiter in '"\r\n':
            found.append(f"delimiter: {self.delimiter!r} is a quote or a line's end")
        if seconds(self.remember) < 3600:
            found.append(f"remember: {self.remember} is less than 1h: an event may be repeated for hours")
        return found


def build(options: Config, surroundings: Surroundings) -> ObjectsSource:
    """The source; it reaches nothing by itself."""
    return ObjectsSource(options, lambda: _judged(options, surroundings), surroundings.clock)


def ready(options: Config, surroundings: Surroundings) -> str:
    """What a check is told. Raises Misconfigured where the bucket may not be listed."""
    first = next(_judged(options, surroundings).list(options.prefix), None)
    return "the bucket answers, " + ("nothing is there yet" if first is None else "it holds objects")


def rings(options: Config, put: Put) -> bool:
    """Whether an object that was put is one for this source, by any reading of its key."""
    if put.bucket != _place(options.bucket)[0]:
        return False
    return any(key.startswith(options.prefix) and key.endswith(options.suffix) for key in put.keys)


def is_here(options: Config, put: Put) -> bool:
    """Whether it was put into this source's bucket at all."""
    return put.bucket == _place(options.bucket)[0]


def feeds(options: Config, kind: str, bucket: str, folder: str) -> str:
    """Why what is written below a folder of a bucket would come back through this source; empty if it would not."""
    mine, _, _ = options.bucket.partition(":")
    if bucket != objects.named(options.bucket)[0] or {mine, kind} in (
        {"s3", "oss"},
        {"folder", "s3"},
        {"folder", "oss"},
    ):
        return ""
    below = f"{folder.strip('/')}/" if folder.strip("/") else ""
    if not (below.startswith(options.prefix) or options.prefix.startswith(below)):
        return ""
    return (
        f"what is written to {bucket}/{below} would be read from {bucket}/{options.prefix} again, and again: "
        "expected another bucket, or a prefix and a path that have nothing in common"
    )


def _place(url: str) -> tuple[str, str]:
    found = registry.locate("objects", url)
    place: tuple[str, str] = found.module.place_of(found.location)
    return place


def _bucket_problems(url: str) -> list[str]:
    try:
        objects.open_store(url)  # nothing is sent before its first use
        bucket, prefix = _place(url)
    except ConfigError as error:
        return [f"bucket: {problem}" for problem in error.problems]
    if prefix:
        return [f"bucket: {url[:60]!r} holds a prefix too: write {url.partition(':')[0]}:{bucket} and prefix: {prefix}"]
    return []


def _judged(options: Config, surroundings: Surroundings) -> Streams:
    fences.judge(options.bucket, surroundings.environ)
    return _store(options.bucket)


@cache
def _store(url: str) -> Streams:
    """Kept while the instance lives: a source is built for each invocation."""
    return objects.open_store(url)
