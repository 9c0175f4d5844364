"""YAML as a tree that knows where each key and value stands; anchors and merge keys are unfolded.

Limits: 1 MiB, 32 levels, 50,000 values after unfolding. What an intrinsic function or an expression gives when the
file is deployed is `Unknown`. A value that came by an anchor keeps the place and path where it is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Node", "Unknown", "Value", "mapping", "text_of"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Unknown:
    """Known only when the file is deployed: the function (`Ref`, `Sub`, `env`) and what it is given."""

    name: str
    argument: "Node | None" = None


Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | Unknown | None"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value."""

    value: Value
    path: str
    line: int
    column: int
    text: str = ""  # a scalar as it is written
    is_plain: bool = False  # a scalar without quotes
    keys: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # where each key of a mapping stands
    origin: "Node | None" = None  # the mapping that `<<` merges into this one
    is_hidden: bool = False  # a variable that stands for a secret

    def under(self, key: str) -> str:
        """The path of a key of this mapping."""
        name = key if len(key) <= 60 and key.isprintable() else f"{key[:20]!r}..."
        return f"{self.path}.{name}" if self.path else name

    def get(self, *keys: str) -> "Node | None":
        """What stands below these keys, if all of it is mappings."""
        found: Node | None = self
        for key in keys:
            found = found.value.get(key) if found is not None and isinstance(found.value, dict) else None
        return found


def mapping(node: Node | None) -> dict[str, Node]:
    """Its items; none if it is something else."""
    return node.value if node is not None and isinstance(node.value, dict) else {}


def text_of(node: Node | None) -> str | None:
    """Its text; None if it is something else, or not known yet."""
    return node.value if node is not None and isinstance(node.value, str) else None
