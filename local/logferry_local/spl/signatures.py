"""What the grammar knows of functions: how many arguments, which must be written out in the query, names of types."""

from collections.abc import Callable, Mapping

from logferry_local.spl import json_path, regex
from logferry_local.spl.syntax import Value

__all__ = ["ARGUMENTS", "CONSTANT", "TYPES"]

_MANY = 50
ARGUMENTS: Mapping[str, tuple[int, int]] = {
    "abs": (1, 1), "cast": (1, 1), "coalesce": (1, _MANY), "concat": (2, _MANY), "ends_with": (2, 2), "if": (2, 3),
    "json_extract_scalar": (2, 2), "length": (1, 1), "lower": (1, 1), "ltrim": (1, 1), "nullif": (2, 2),
    "regexp_extract": (2, 3), "regexp_like": (2, 2), "replace": (2, 3), "round": (1, 1), "rtrim": (1, 1),
    "split_part": (3, 3), "starts_with": (2, 2), "strpos": (2, 2), "substr": (2, 3), "trim": (1, 1),
    "try_cast": (1, 1), "upper": (1, 1),
}  # fmt: skip
TYPES: Mapping[str, str] = {
    "bigint": "bigint", "integer": "bigint", "int": "bigint", "double": "double", "varchar": "varchar",
    "boolean": "boolean",
}  # fmt: skip


def _pattern(value: Value) -> object:
    if not isinstance(value, str):
        raise ValueError("a 'pattern'")  # noqa: TRY004  # the grammar tells it with its place
    return regex.compiled(value)


def _path(value: Value) -> object:
    if not isinstance(value, str):
        raise ValueError("a '$.path'")  # noqa: TRY004  # the grammar tells it with its place
    return json_path.parse(value)


def _group(value: Value) -> object:
    if type(value) is not int or not 0 <= value <= regex.MAX_GROUPS:
        raise ValueError(f"the number of a group, 0 to {regex.MAX_GROUPS}")
    return value


CONSTANT: Mapping[str, Mapping[int, Callable[[Value], object]]] = {
    "regexp_like": {1: _pattern},
    "regexp_extract": {1: _pattern, 2: _group},
    "json_extract_scalar": {1: _path},
}
