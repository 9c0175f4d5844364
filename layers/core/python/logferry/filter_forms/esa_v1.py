"""ESA's rules of version 1 (`FilterRules`): `[{"ClientSSLProtocol": {"equals": ["TLSv1.3"]}}]`, `[]` for none.

One field an entry, values of a list are alternatives. How entries are joined is not published: here all must hold, as
conditions of a form in a console do, unless `entries` says otherwise. `equals` is the one operator that is published.
"""

from collections.abc import Mapping
from typing import Any, Literal

from logferry.expectations import show

__all__ = ["fits", "tree"]


def fits(data: object) -> bool:
    """A list."""
    return isinstance(data, list)


def tree(data: object, problems: list[str], entries: Literal["all", "any"]) -> dict[str, Any] | None:
    """All entries under `entries`."""
    if not isinstance(data, list):
        problems.append(f"document: {show(data)} is not a list of rules")
        return None
    made = [rule for index, entry in enumerate(data) for rule in _entry(entry, f"[{index}]", problems)]
    if len(made) > 1:
        return {entries: made}
    return made[0] if made else None


def _entry(entry: object, path: str, problems: list[str]) -> list[dict[str, Any]]:
    """One rule, none after a mistake."""
    if not isinstance(entry, Mapping) or len(entry) != 1:
        problems.append(f"{path}: {show(entry)} is not one field with its operator")
        return []
    ((field, test),) = entry.items()
    if not isinstance(test, Mapping) or len(test) != 1:
        problems.append(f'{path}.{field}: {show(test)} is not one operator with its values, such as {{"equals": […]}}')
        return []
    ((operator, values),) = test.items()
    if operator != "equals":
        problems.append(f"{path}.{field}: operator {show(operator)} is not equals, the only one that is published")
    elif not field:
        problems.append(f"{path}: '' is not the name of a field")
    elif (
        not isinstance(values, list) or not values or not all(isinstance(value, str | int | float) for value in values)
    ):
        problems.append(f"{path}.{field}.equals: {show(values)} is not a list of one or more texts or numbers")
    elif len(values) == 1:
        return [{"field": field, "op": "eq", "value": values[0]}]
    else:
        return [{"field": field, "op": "in", "value": values}]
    return []
