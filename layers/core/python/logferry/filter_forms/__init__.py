"""Filters as others write them, turned into a task's stages. The name of a form is the name of its file.

Each file has `fits(data)`, whether such data is of the form, and `tree(data, problems, entries)`, the same as a task's
filter, None for one that lets everything through; its mistakes are added to `problems`.
Limits: 1 MiB of JSON, as many conditions and groups as a task may have.
"""

from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol, cast

from logferry import categories, registry
from logferry.categories import Category
from logferry.errors import ConfigError
from logferry.filter_forms import _envelope, _json, _rate
from logferry.stages.filter import MAX_CONDITIONS, compile_filter

__all__ = ["Entries", "Form", "Imported", "forms", "read"]

Entries = Literal["all", "any"]
_ROOM = "filter_forms"
_SUBJECT = "filter import"
_MISTAKES = 20  # more are not told


class Form(Protocol):
    """One way to write a filter: a module of this package."""

    def fits(self, data: object) -> bool:
        """Whether the data is written so."""
        ...

    def tree(self, data: object, problems: list[str], entries: Entries) -> dict[str, Any] | None:
        """The filter of a task, None if it lets everything through."""
        ...


class Imported(NamedTuple):
    """What becomes of it in a task."""

    form: str
    filter: dict[str, Any] | None  # None lets everything through
    sampling: str  # the share that is kept
    fields: tuple[str, ...] | None = None  # None keeps all
    category: str | None = None


def forms() -> list[str]:
    """Names of all forms."""
    return registry.names(_ROOM)


def read(
    text: str | bytes, *, form: str | None = None, discard_rate: str | None = None, entries: Entries = "all",
    category: Category | None = None,
) -> Imported:  # fmt: skip
    """The stages that a filter in JSON stands for; ConfigError with every mistake.

    `form` is told from the data if none is named. `discard_rate` (0 to below 1) is the share that is dropped; it stands
    in for the one that came with the filter, if one did; so does `category`. `entries` joins what `esa_v1` lists.
    """
    found = _envelope.opened(_json.read(text, _SUBJECT), _SUBJECT)
    rate = _rate.parse(discard_rate, "--discard-rate", _SUBJECT) if discard_rate is not None else found.discard
    name = form or _told(found.data)
    module = cast("Form", registry.find(_ROOM, name))
    problems: list[str] = []
    tree = module.tree(found.data, problems, entries)
    if problems:
        raise ConfigError(problems[:_MISTAKES], subject=f"{_SUBJECT} ({name})")
    kind = category or found.category
    if tree is not None:
        _compile(tree, name, kind)
    unknown = categories.check(kind, [("fields", field) for field in found.fields or ()]) if kind else []
    if unknown:
        raise ConfigError(unknown, subject=f"{_SUBJECT} ({name})")
    return Imported(name, tree, _rate.kept(rate or Decimal(0)), found.fields, kind.name if kind else None)


def _told(data: object) -> str:
    for name in forms():
        if cast("Form", registry.find(_ROOM, name)).fits(data):
            return name
    known = '[{"FIELD": {"equals": […]}}] of ESA v1 or {"where": …} of ESA v2 and Logpush'
    raise ConfigError([f"document: is not a filter, expected {known}"], subject=_SUBJECT)


def _compile(tree: dict[str, Any], form: str, category: Category | None) -> None:
    """What a task would say of it."""
    count = _count(tree)
    if count > MAX_CONDITIONS:
        problem = f"document: {count} conditions, a task has at most {MAX_CONDITIONS}"
        raise ConfigError([problem], subject=f"{_SUBJECT} ({form})")
    try:
        compile_filter(tree, category=category, made=() if category else None)
    except ConfigError as error:
        raise ConfigError(error.problems, subject=f"{_SUBJECT} ({form})") from None


def _count(tree: dict[str, Any]) -> int:
    members = tree.get("all") or tree.get("any")
    return sum(map(_count, members)) if members else 1
