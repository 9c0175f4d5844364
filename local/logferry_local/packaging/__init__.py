"""Builds what the clouds are given: one zip a layer, one zip a function, the same bytes each time.

A layer's zip holds `python/…`, which both clouds mount at /opt/python; a function's zip holds its `app.py`, and if it
is self-contained (`slim`) everything that it imports.
Modules are byte-compiled for the target's Python with pycs that are never checked against their source: a
read-only code folder could never cache them, and without them a cold start costs 1.8 times the CPU.
Limits: Lambda takes 50 MB a zip and 250 MB unpacked in all; layers never hold the same file.
"""

import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from logferry.errors import ConfigError
from logferry_local.packaging import bytecode, slim, wheels, zips

__all__ = ["TARGET", "Package", "build", "names"]

TARGET = "3.12"  # what both deploy files ask for


class Package(NamedTuple):
    """One built zip."""

    name: str  # layer-core, function-forward
    path: Path
    files: Mapping[str, int]  # name -> bytes
    packed: int  # bytes
    sha256: str
    compiled: bool  # whether it holds bytecode

    @property
    def unpacked(self) -> int:
        """Bytes."""
        return sum(self.files.values())


def names(root: Path) -> list[str]:
    """Every package of the checkout: `layer-NAME`, `function-NAME`."""
    layers = ["core", *sorted(path.parent.name for path in root.glob("layers/*/requirements.txt"))]
    functions = sorted(path.parent.name for path in root.glob("functions/*/app.py"))
    return [*(f"layer-{name}" for name in layers), *(f"function-{name}" for name in functions)]


def build(root: Path, out: Path, *, python: str = TARGET, only: Collection[str] = ()) -> list[Package]:
    """Write the zips of `only` (default: all) into `out`. `python` is `host` or a version such as 3.12.

    ConfigError when a name is unknown, a wheel cannot be had, or two layers hold the same file.
    """
    wanted = _wanted(names(root), only)
    version = f"{sys.version_info.major}.{sys.version_info.minor}" if python == "host" else python
    if not re.fullmatch(r"3\.[0-9]{1,2}", version):
        raise ConfigError([f"--python: {python!r} is not host or a version such as {TARGET}"], subject="package")
    work = root / "build/packages"
    interpreter = bytecode.interpreter(version, root)
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    fetch = partial(_wheels, root, work / "wheels", None if python == "host" else version)
    built = []
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        for name in wanted:
            stage = Path(scratch) / name
            _fill(root, name, stage, fetch)
            if interpreter:
                bytecode.compile_all(interpreter, stage, "/opt" if name.startswith("layer-") else "")
            built.append(_pack(name, stage, out / f"{name}.zip", interpreter))
    _no_overlap([package for package in built if package.name.startswith("layer-")])
    return built


def _wheels(root: Path, cache: Path, version: str | None, layer: str) -> Path:
    return wheels.unpacked(root / "layers" / layer / "requirements.txt", cache, version)


def _fill(root: Path, name: str, stage: Path, fetch: Callable[[str], Path]) -> None:
    kind, _, part = name.partition("-")
    if kind == "function":
        _copy(root / "functions" / part, stage)
        if part in slim.SELF_CONTAINED:
            carried = slim.files(stage / "app.py", root / "layers/core/python", fetch("deps"))
            for place, file in carried.items():
                (stage / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, stage / place)
    elif part == "core":
        _copy(root / "layers/core/python", stage / "python")
    else:
        _copy(fetch(part), stage / "python")


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))


def _pack(name: str, stage: Path, path: Path, interpreter: str | None) -> Package:
    files = [file for file in stage.rglob("*") if file.is_file()]
    if interpreter:
        bytecode.pack(interpreter, stage, path)
    else:
        zips.folder(stage, path)
    body = path.read_bytes()
    return Package(
        name, path, {file.relative_to(stage).as_posix(): file.stat().st_size for file in files}, len(body),
        hashlib.sha256(body).hexdigest(), interpreter is not None,
    )  # fmt: skip


def _wanted(known: Sequence[str], only: Collection[str]) -> list[str]:
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError([f"{name!r} is not one of {', '.join(known)}" for name in unknown], subject="package")
    return [name for name in known if not only or name in only]


def _no_overlap(layers: Sequence[Package]) -> None:
    """On one cloud the last layer's file wins, on the other the first: so no file may be in two."""
    found = []
    for index, package in enumerate(layers):
        for other in layers[:index]:
            both = sorted(package.files.keys() & other.files.keys())
            if both:
                found.append(f"{package.name}: {len(both)} file(s) are in {other.name} too, such as {both[0]}")
    if found:
        raise ConfigError(found, subject="layers")
