"""Who imports whom in the library, read from its source without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Imports", "imports_of"]


@dataclass(frozen=True, slots=True)
class Imports:
    """The modules below one folder."""

    trees: dict[str, ast.Module]
    at_once: dict[str, frozenset[str]]
    later: dict[str, frozenset[str]]

    def imported(self, tree: ast.Module, *, lazy: bool) -> frozenset[str]:
        """Modules that a source imports: ours by their whole name, others by their first part."""
        return frozenset(_imported(tree, self.trees, lazy=lazy))

    def reached(self, start: frozenset[str], *, lazy: bool) -> frozenset[str]:
        """These modules, their packages, and what all of them import in turn."""
        edges = self.later if lazy else self.at_once
        found: set[str] = set()
        waiting = [name for one in start for name in _with_packages(one)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [part for one in edges.get(name, ()) for part in _with_packages(one)]
        return frozenset(found)


def imports_of(folder: Path) -> Imports:
    """Everything below it."""
    trees = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    at_once, later = (
        {name: frozenset(_imported(tree, trees, lazy=lazy)) for name, tree in trees.items()} for lazy in (False, True)
    )
    return Imports(trees, at_once, later)


def _with_packages(name: str) -> list[str]:
    """`a.b.c` -> a, a.b, a.b.c: importing one runs all; of what is not ours the first part is enough."""
    parts = name.split(".")
    if parts[0] != "logferry":
        return [parts[0]]
    return [".".join(parts[: at + 1]) for at in range(len(parts))]


def _imported(tree: ast.Module, known: dict[str, ast.Module], *, lazy: bool) -> Iterator[str]:
    for node in _statements(tree, lazy=lazy):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (name for alias in node.names if (name := f"{node.module}.{alias.name}") in known)


def _statements(node: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """All that runs when the module is imported; `lazy`: in its functions too. Never what only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if is_for_types or (not lazy and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        yield child
        yield from _statements(child, lazy=lazy)
