"""The tree of a query: expressions of three kinds, instructions of five. Operators are calls of their symbol."""

from typing import NamedTuple, TypeAlias

__all__ = [
    "MAX_DEPTH", "TIMES", "Call", "Expression", "Extend", "Field", "Instruction", "Literal", "Project", "ProjectAway",
    "ProjectRename", "Value", "Where", "depth",
]  # fmt: skip

Value: TypeAlias = "str | int | float | bool | None"
TIMES = ("__time__", "__time_ns_part__")  # whole numbers; only extend changes them, and no instruction drops them
MAX_DEPTH = 50


class Literal(NamedTuple):
    """A value that the query holds."""

    value: Value


class Field(NamedTuple):
    """The value of a field, null if the log has none."""

    name: str


class Call(NamedTuple):
    """A function or an operator, by its name in lower case: `lower`, `=`, `and`, `is null`, `cast bigint`."""

    name: str
    arguments: "tuple[Expression, ...]"
    depth: int = 1


Expression: TypeAlias = "Literal | Field | Call"


class Where(NamedTuple):
    """Keep the logs for which it is true: not those for which it is null."""

    test: Expression


class Extend(NamedTuple):
    """Set fields, one after the other; a null removes."""

    fields: tuple[tuple[str, Expression], ...]


class Project(NamedTuple):
    """Keep the fields that match a pattern (`*` stands for anything), then name others anew: (new, old)."""

    keep: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


class ProjectAway(NamedTuple):
    """Drop the fields that match a pattern."""

    drop: tuple[str, ...]


class ProjectRename(NamedTuple):
    """Name fields anew: (new, old)."""

    names: tuple[tuple[str, str], ...]


Instruction: TypeAlias = "Where | Extend | Project | ProjectAway | ProjectRename"


def depth(expression: Expression) -> int:
    """How many calls lie within each other."""
    return expression.depth if isinstance(expression, Call) else 0
