"""JSON Schema (draft 2020-12) of a task file, made from the classes that check it, for editors and other tools.

It says what types can say; rules between fields (such as `fields` of a category) are `logferry task check`'s.
"""

from typing import Any

import msgspec

from logferry import categories, kinds
from logferry.stages.filter import MAX_CONDITIONS, operator_names
from logferry.task import Task

__all__ = ["schema"]

_CONDITION = {"$ref": "#/$defs/condition"}


def schema() -> dict[str, Any]:
    """The schema of a task, with every source and destination there is."""
    _, parts = msgspec.json.schema_components([Task], ref_template="#/$defs/{name}")
    definitions: dict[str, object] = {}
    task: dict[str, Any] = parts["Task"]
    properties = task["properties"] | {
        "source": kinds.schema("sources", definitions),
        "destination": kinds.schema("destinations", definitions),
        "category": {"anyOf": [{"enum": categories.names()}, {"type": "null"}], "default": None},
        "filter": {"anyOf": [{"$ref": "#/$defs/condition"}, {"type": "null"}], "default": None},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "logferry delivery task",
        "type": "object",
        "properties": properties,
        "required": task["required"],
        "additionalProperties": False,
        "$defs": {"condition": _condition()} | _shapes(parts) | dict(sorted(definitions.items())),
    }


def _shapes(parts: dict[str, Any]) -> dict[str, Any]:
    """Of the mappings within a task; its kinds have schemas of their own."""
    return {name: part for name, part in sorted(parts.items()) if name not in ("Task", "Chosen", "Config")}


def _condition() -> dict[str, object]:
    """A filter: one condition, or a group of them. At most MAX_CONDITIONS in all, which a schema cannot count."""
    operators = [sign + name for name in operator_names() for sign in ("", "!")]
    members = {"type": "array", "minItems": 1, "maxItems": MAX_CONDITIONS, "items": _CONDITION}
    leaf = {
        "type": "object",
        "properties": {"field": {"type": "string", "minLength": 1}, "op": {"enum": operators}, "value": {}},
        "required": ["field", "op"],
        "additionalProperties": False,
    }
    groups: list[dict[str, object]] = [
        {"type": "object", "properties": {key: inner}, "required": [key], "additionalProperties": False}
        for key, inner in (("all", members), ("any", members), ("not", _CONDITION))
    ]
    return {"oneOf": [leaf, *groups]}
