"""Names of fields in a task's document, as it was written, against the catalog of its category."""

from collections.abc import Iterator, Mapping
from typing import Any

from logferry import categories
from logferry.categories import Category
from logferry.errors import ConfigError

__all__ = ["category_of", "problems"]

_STAMPED = "SiteName"  # what a task's `site` is kept under
_FLAT = ("RequestHeaders.", "ResponseHeaders.", "Cookies.")  # custom fields that are each a field of their own


def category_of(name: object, found: list[str]) -> Category | None:
    """The category of that name, None if none is named; a mistake is added to `found`."""
    if not isinstance(name, str):
        return None
    try:
        return categories.find(name)
    except ConfigError as error:
        found.extend(f"category: {problem}" for problem in error.problems)
        return None


def problems(category: Category, given: Mapping[str, Any]) -> list[str]:
    """A problem for each name that no record of the category can hold where it stands. The filter checks its own."""
    before = set() if given.get("site") is None else {_STAMPED}
    is_flat = isinstance(given.get("custom_fields"), Mapping)
    after = before | {name for _, name in _late(given) if is_flat and name.startswith(_FLAT)}
    return categories.check(category, _early(given), before) + categories.check(category, _late(given), after)


def _early(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is read from records as they come."""
    yield from (("fields", name) for name in _texts(given.get("fields")))


def _late(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What those stages name that come after custom fields were taken out."""
    redact, timestamps, rename = given.get("redact"), given.get("timestamps"), given.get("rename")
    for index, rule in enumerate(redact if isinstance(redact, list) else ()):
        names = rule.get("fields") if isinstance(rule, Mapping) else None
        yield from ((f"redact[{index}].fields", name) for name in _texts(names))
    if isinstance(timestamps, Mapping):
        yield from (("timestamps.fields", name) for name in _texts(timestamps.get("fields")))
    yield from (("rename", name) for name in _texts(list(rename) if isinstance(rename, Mapping) else ()))


def _texts(names: object) -> Iterator[str]:
    """The texts of a list; of what else stands there, others tell what it is not."""
    yield from (name for name in (names if isinstance(names, list | tuple) else ()) if isinstance(name, str))
