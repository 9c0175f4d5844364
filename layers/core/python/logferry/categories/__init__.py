"""Kinds of logs, a data file each: which fields there are, of what type, which one is the time, which the id.

    find("access_origin").fields["ClientIP"].type == "string"

The name in a task is the name of the file; there is no list to edit. A file is read when a task names it, once.
Sources: the vendors' public lists of fields, named in each file.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from logferry.errors import ConfigError
from logferry.expectations import show
from logferry.likeness import nearest

__all__ = ["CUSTOM", "Category", "Field", "Kind", "check", "find", "names", "problems"]

Kind = Literal["string", "int", "float", "bool", "timestamp"]
CUSTOM = ("CustomFields", "CustomField")  # the vendor's guide in its current and its older edition

_FOLDER = Path(__file__).parent
# What the log service keeps beside a log's own fields: `__topic__`, `__source__`, `__time__`, `__tag__:KEY`.
_META = r"__[a-z]\w*__(:.+)?"


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of a kind of logs. In SLS every value is text; `type` says what the text means."""

    name: str
    type: Kind
    group: str
    meaning: str
    values: tuple[str | int, ...] = ()  # those that are published; others may come
    unconfirmed: bool = False  # not in the vendor's own table


class Category(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of logs."""

    name: str
    title: str
    scope: Literal["site", "account"]
    event_time: str  # the field that says when it happened
    fields: dict[str, Field]  # in the vendor's order
    id: str | None = None  # the field by which one record is told from all others
    business_type: str | None = None  # what ESA's API calls it
    custom_fields: bool = False  # whether headers and cookies of the owner's choice may be in it
    missing: dict[Kind, str | int] = {}  # by type: what stands for "there is none"; elsewhere the same is a value

    def knows(self, name: str) -> bool:
        """Whether records may hold it: a field, what the log service adds, custom fields where there are any."""
        if name in self.fields or re.fullmatch(_META, name, re.ASCII | re.DOTALL):
            return True
        return self.custom_fields and name.partition(".")[0] in CUSTOM

    def kind(self, name: str) -> Kind | None:
        """The type of a field; None where it is not known, as for custom fields."""
        found = self.fields.get(name)
        return None if found is None or name in CUSTOM else found.type

    def marks(self, name: str) -> frozenset[str | int]:
        """The values of a field that mean "there is none", as text and as number."""
        kind = self.kind(name)
        mark = self.missing.get(kind) if kind else None
        return frozenset() if mark is None else frozenset({mark, str(mark)})


def names() -> list[str]:
    """Names of all categories, sorted."""
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def find(name: str) -> Category:
    """The category of that name; ConfigError with the nearest name if there is none."""
    if name not in _names():
        raise ConfigError([_no_category(name)], subject="category")
    return _read(name)


def problems(name: str) -> list[str]:
    """What a task says of a wrong name, under its key; nothing if there is such a category."""
    return [] if name in _names() else [f"category: {_no_category(name)}"]


def _no_category(name: str) -> str:
    return f"{show(name)} is not one of {', '.join(_names())}{nearest(name, _names(), any_case=True)}"


@cache
def _read(name: str) -> Category:
    import tomllib  # here: a task without a category never needs it

    data: dict[str, Any] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    fields = {field: {"name": field, **row} for field, row in data["fields"].items()}
    return msgspec.convert({**data, "name": name, "fields": fields}, Category)


def check(category: Category, used: Iterable[tuple[str, str]], made: Collection[str] = ()) -> list[str]:
    """A problem for each (path, name of a field) that no record of the category can hold.

    `made` are the names that the task itself makes: by renaming, from custom fields, its site.
    """
    wrong = dict.fromkeys((path, name) for path, name in used if name not in made and not category.knows(name))
    return [f"{path}: {_unknown(category, name, made)}" for path, name in wrong]


def _unknown(category: Category, name: str, made: Collection[str]) -> str:
    if name.partition(".")[0] in CUSTOM:
        return f"{show(name)}: {category.title} have no custom fields"
    return f"{show(name)} is not a field of {category.name}{nearest(name, [*category.fields, *made], any_case=True)}"
