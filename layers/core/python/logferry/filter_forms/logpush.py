"""Cloudflare Logpush's filter: `{"where": …}`, a condition or conditions under `and` and `or`, nested as one likes.

Source: Cloudflare's developer documentation, "Filters" of Logpush.
"""

from collections.abc import Mapping
from typing import Any, Literal

from logferry.expectations import show
from logferry.filter_forms import _where

__all__ = ["fits", "tree"]


def fits(data: object) -> bool:
    """`where` alone, or nothing."""
    return isinstance(data, Mapping) and set(data) <= {"where"}


def tree(data: object, problems: list[str], entries: Literal["all", "any"]) -> dict[str, Any] | None:
    """The same groups; an empty filter lets everything through."""
    del entries
    if not fits(data) or not isinstance(data, Mapping):
        problems.append(f'document: {show(data)} is not {{"where": …}}')
        return None
    return _where.group(data["where"], "where", problems) if data.get("where") else None
