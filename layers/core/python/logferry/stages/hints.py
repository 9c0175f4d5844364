"""What may be a slip in a filter that is right: a value that is none of those a vendor publishes for the field."""

from collections.abc import Iterator, Mapping
from typing import Any

from logferry.categories import Category
from logferry.expectations import show
from logferry.likeness import nearest

__all__ = ["hints"]

_OPERATORS = ("eq", "!eq", "in", "!in")


def hints(data: Mapping[str, Any], category: Category, path: str = "filter") -> list[str]:
    """A line for each such value of a filter that compiles; vendors add values, so none is refused."""
    return list(_walk(data, category, path))


def _walk(data: Mapping[str, Any], category: Category, path: str) -> Iterator[str]:
    for kind in ("all", "any"):
        for index, member in enumerate(data.get(kind, ())):
            yield from _walk(member, category, f"{path}.{kind}[{index}]")
    if "not" in data:
        yield from _walk(data["not"], category, f"{path}.not")
    field = category.fields.get(data.get("field", ""))
    if field is None or not field.values or data.get("op") not in _OPERATORS:
        return
    published = {str(value): value for value in field.values}
    wanted = data["value"] if isinstance(data["value"], list) else [data["value"]]
    for value in (value for value in wanted if str(value) not in published):
        hint = nearest(str(value), filter(None, published), any_case=True)
        yield f"{path}.value: {show(value)} is none of the values that are published for {field.name}{hint}"
