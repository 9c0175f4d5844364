"""ESA's rules of version 2 (`RawRule`): `{"where": {"or": [{"and": [{"key": …, "operator": …, "value": …}]}]}}`.

Alternatives of groups in which everything holds; nothing is nested further. Values are texts, numbers too. Of the
operators `eq` and `in` are published; the others are taken as Logpush has them, whose form this is.
"""

from collections.abc import Mapping
from typing import Any, Literal

from logferry.expectations import show
from logferry.filter_forms import _where

__all__ = ["fits", "tree"]


def fits(data: object) -> bool:
    """`or` of `and`, values as texts."""
    if not isinstance(data, Mapping) or set(data) != {"where"}:
        return False
    where = data["where"]
    if not isinstance(where, Mapping) or set(where) != {"or"} or not isinstance(where["or"], list):
        return False
    return all(isinstance(part, Mapping) and set(part) == {"and"} and _has_texts(part["and"]) for part in where["or"])


def tree(data: object, problems: list[str], entries: Literal["all", "any"]) -> dict[str, Any] | None:
    """The same groups; no rule at all lets everything through."""
    del entries
    if not data:
        return None
    where = data["where"] if isinstance(data, Mapping) and set(data) == {"where"} else None
    if not isinstance(where, Mapping) or set(where) != {"or"} or not isinstance(where["or"], list):
        problems.append(f'document: {show(data)} is not {{"where": {{"or": [{{"and": […]}}]}}}}')
        return None
    for index, part in enumerate(where["or"]):
        if not isinstance(part, Mapping) or set(part) != {"and"}:
            problems.append(f"where.or[{index}]: {show(part)} is not a group {{and: […]}}")
        elif isinstance(part["and"], list) and any(_is_group(member) for member in part["and"]):
            problems.append(
                f"where.or[{index}].and: holds a group, only conditions {{key, operator, value}} stand here"
            )
    return None if problems else _where.group(where, "where", problems)


def _has_texts(members: object) -> bool:
    """Only conditions, each with a text or a list of texts."""
    if not isinstance(members, list) or not all(isinstance(member, Mapping) for member in members):
        return False
    values = [member.get("value") for member in members if not _is_group(member)]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    return len(values) == len(members) and all(isinstance(text, str) for text in texts)


def _is_group(member: object) -> bool:
    return isinstance(member, Mapping) and ("and" in member or "or" in member)
