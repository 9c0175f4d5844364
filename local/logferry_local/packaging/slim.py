"""What one function imports, found by reading its source: for a function that carries everything in its own zip.

Imports inside functions count too. A string that names a module of the library counts as an import of it, and one that
names a package as an import of all its files: they are imported by name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SELF_CONTAINED", "files"]

# Strangers may call it, so it has neither layers nor anything that it does not run: a small zip, a quick start.
SELF_CONTAINED = frozenset({"verify_request"})

_NAMED = re.compile(r"logferry(\.\w+)+")
# Without a marker: what is wanted for an extra or another platform is not needed here.
_REQUIRES = re.compile(r"^Requires-Dist: ([A-Za-z0-9_-]+)[^;\n]*$", re.MULTILINE)


def files(app: Path, core: Path, deps: Path) -> dict[str, Path]:
    """Name in the zip -> file: the library's modules one by one, wheels whole.

    `core` holds the package `logferry`, `deps` the unpacked wheels; what is in neither comes with the platform.
    """
    found: dict[str, Path] = {}
    waiting, seen = _imported(app), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.partition(".")[0] != "logferry":
            found |= {str(file.relative_to(deps)): file for file in _package(name.partition(".")[0], deps)}
            continue
        for file in _module(name, core):
            place = str(file.relative_to(core))
            if place not in found:
                found[place] = file
                waiting += _imported(file, ".".join(file.relative_to(core).with_suffix("").parts))
    return found


def _module(name: str, core: Path) -> Iterator[Path]:
    """The file of a module and those of the packages that it is in; nothing for a name inside a module.

    A name that ends in `.*` means all files of a package.
    """
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        path = core.joinpath(*parts[:length])
        if parts[length - 1] == "*":
            yield from sorted(path.parent.glob("*.py"))
        elif path.is_dir():
            yield path / "__init__.py"
        elif path.with_suffix(".py").is_file():
            yield path.with_suffix(".py")


def _package(name: str, deps: Path) -> Iterator[Path]:
    """A wheel's package and metadata (licences among it), and the same of the wheels that it requires."""
    if not (deps / name).is_dir():
        return
    yield from (file for file in sorted((deps / name).rglob("*")) if file.is_file())
    for about in sorted(deps.glob("*.dist-info")):
        if about.name.partition("-")[0].lower() == name.lower():
            yield from (file for file in sorted(about.rglob("*")) if file.is_file())
            for needed in _REQUIRES.findall((about / "METADATA").read_text()):
                yield from _package(needed.replace("-", "_"), deps)


def _imported(file: Path, module: str = "") -> list[str]:
    """Absolute names of everything that a file imports, at its top or inside a function, or names in a string."""
    home = module.split(".")[:-1]
    found = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(home[: len(home) - node.level + 1]) if node.level else ""
            whole = ".".join(part for part in (base, node.module or "") if part)
            found += [whole, *(f"{whole}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAMED.fullmatch(node.value):
            found += [node.value, f"{node.value}.*"]
    return found
