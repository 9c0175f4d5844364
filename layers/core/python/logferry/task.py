"""The delivery task as a person writes it: one source, stages, one destination; every mistake at once.

Limits: a document of 1 MiB, a stored task of 256 KiB, 500 fields; the filter's own limits are in `stages.filter`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from logferry import categories, config, documents, kinds, times
from logferry.config import Config, Duration
from logferry.errors import ConfigError
from logferry.expectations import kind_of
from logferry.kinds import Chosen
from logferry.stages import agreement
from logferry.stages.custom_fields import CustomFields
from logferry.stages.filter import compile_filter
from logferry.stages.redact import Rule
from logferry.stages.timestamps import Format, Timestamps

__all__ = ["Category", "Task", "dump", "load", "parse", "share", "start_of"]

MAX_STORED = 256 * 1024  # bytes of JSON: a state table's row takes 350,000 with what stands beside it
MAX_FIELDS = 500

# `$` alone would let a line break through after the last letter (Python's reading of it).
Name = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$(?!\n)", description="a name of a-z, 0-9 and -, at most 63 long"),
]
Share = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?%$(?!\n)", description="a share above 0% and up to 100%, such as 12.5%"),
]
Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
Fields = Annotated[
    tuple[Field, ...],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_FIELDS,
        description=f"a list of 1-{MAX_FIELDS} field names, each once",
        extra_json_schema={"uniqueItems": True},
    ),
]
Start = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(begin|end|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[Tt ].+)$(?!\n)",
        description="begin, end or a time such as 2026-07-01T00:00:00Z (without an offset: UTC)",
    ),
]
Category = Annotated[str, msgspec.Meta(description="the name of a category of logs")]
"""What sort of logs these are: a data file of `categories/`."""
Site = Annotated[
    str, msgspec.Meta(pattern=r"^\S{1,253}$(?!\n)", description="the name of a site, at most 253 long, without blanks")
]
Renaming = Annotated[
    dict[Field, Field],
    msgspec.Meta(
        min_length=1, max_length=MAX_FIELDS, description=f"a mapping of 1-{MAX_FIELDS} field names to new names"
    ),
]
Rules = Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1, max_length=50, description="a list of 1-50 rules")]


class Task(Config, frozen=True):
    """One delivery task. `source` and `destination` are one kind each, with its options."""

    task: Name
    source: Chosen
    destination: Chosen
    category: Category | None = None
    site: Site | None = None  # stamped as `SiteName` on records that carry none
    filter: dict[str, Any] | None = None  # as written; `plan_of` compiles it
    sampling: Share = "100%"  # the share that is kept
    fields: Fields | None = None  # None keeps all
    custom_fields: CustomFields | None = None
    redact: Rules | None = None
    timestamps: Format | Timestamps | None = None  # a format alone: of the category's timestamps
    rename: Renaming | None = None  # old name -> new name, after all else
    max_lag: Duration = "5m"  # alarm when the oldest undelivered record is older
    # A new task delivers all that the source still holds: from `end`, what was logged between two tries to set the
    # task up would be missing and nobody would have said so.
    start: Start = "begin"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A category is one that there is."""
        return [] if name != "category" or value is None else categories.problems(value)

    def problems(self) -> list[str]:
        """What one field's type cannot say."""
        found = []
        if not 0 < share(self.sampling) <= 1:
            found.append(f"sampling: {self.sampling!r} is not a share above 0% and up to 100%")
        found.extend(agreement.problems(self))
        if self.start not in ("begin", "end") and times.parse(self.start) is None:
            found.append(f"start: {self.start!r} is not begin, end or {times.FORM}")
        if config.seconds(self.max_lag) <= 0:
            found.append(f"max_lag: {self.max_lag!r} is not more than 0")
        return found


_ANY = Chosen("", Config())
# Key -> what its absence would make wrong: not told of a document that has a wrong one.
_HANGS_ON_IT = {
    "category": ("site", "custom_fields", "timestamps", "rename"), "fields": ("rename",), "site": ("rename",),
    "custom_fields": ("rename",),
}  # fmt: skip


def parse(text: str | bytes, *, subject: str = "task") -> Task:
    """A task file's text (YAML or JSON) as a Task; ConfigError with every mistake."""
    return load(documents.read(text, subject=subject), subject=subject)


def load(data: object, *, subject: str = "task", stored: bool = False) -> Task:
    """Plain data as a Task; ConfigError with every mistake of the whole document, each with its full path.

    A task that was `stored` is not compared with its category's fields: it was when it was applied, and fields that
    are others in this release must not stop it.
    """
    if not isinstance(data, Mapping):
        what = "nothing" if data is None else kind_of(data)
        keys = ", ".join(Task.__struct_fields__)
        raise ConfigError([f"document: {what} is not a mapping of {keys}"], subject=subject)
    found: list[str] = []
    given = dict(data)
    for key, room in (("source", "sources"), ("destination", "destinations")):
        if key in given:
            # A broken choice is stood in for, so that the rest of the document is still checked.
            given[key] = kinds.check(room, given[key], key, found) or _ANY
    if given.get("category") in ("access", "origin"):  # as the first releases called them
        given["category"] = "access_origin"
    known = given.get("category") in categories.names() and not stored
    kind = categories.find(given["category"]) if known else None
    if isinstance(given.get("filter"), Mapping):
        made = () if given.get("site") is None else (agreement.SITE,)
        try:
            compile_filter(given["filter"], category=kind, made=made)
        except ConfigError as error:
            found.extend(error.problems)
    mistakes, readable = _mistakes(given)
    found.extend(mistakes)
    if readable and not stored:
        found.extend(agreement.unknown_names(readable))
    if found:
        raise ConfigError(found, subject=subject)
    task = config.load(Task, given, subject=subject)
    size = len(msgspec.json.encode(dump(task)))
    if size > MAX_STORED:
        raise ConfigError([f"document: {size} bytes as JSON, at most {MAX_STORED} can be stored"], subject=subject)
    return task


def _mistakes(given: Mapping[str, Any]) -> tuple[list[str], Task | None]:
    """What is wrong with the keys themselves, and a task of those that are right, if there can be one.

    A wrong key does not hide what `problems` says of the others.
    """
    found: list[str] = []
    wrong: set[str] = set()
    for _ in Task.__struct_fields__:
        try:
            return found, config.load(Task, given)
        except ConfigError as error:
            found.extend(problem for problem in error.problems if problem not in found)
        wrong |= {re.split(r"[.:\[]", problem, maxsplit=1)[0] for problem in found}
        wrong |= {other for key in wrong for other in _HANGS_ON_IT.get(key, ())}
        right = {key: given[key] for key in Task.__struct_fields__ if key in given and key not in wrong}
        given = {"task": "x", "source": _ANY, "destination": _ANY, **right}
    return found, None


def dump(task: Task) -> dict[str, object]:
    """The document again, defaults left out: `load(dump(task)) == task`."""
    plain = kinds.options_of(task)
    return plain | {"source": kinds.dump(task.source), "destination": kinds.dump(task.destination)}


def start_of(task: Task) -> str | int:
    """Where a new task begins, as a source's `position` takes it."""
    when = times.unix_time(task.start)
    return task.start if when is None else when


def share(sampling: str) -> float:
    """`"12.5%"` -> 0.125."""
    return float(sampling.removesuffix("%")) / 100
