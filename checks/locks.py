"""The layers' lock files: every name pinned to one version, the wheel to one hash, nothing twice, nothing missing.

`layers/NAME/requirements.txt` is what a person edits, `layers/lock.json` what `python -m checks lock` makes of it.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["EXTRAS", "Pin", "findings", "layers", "locked", "pins"]

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][A-Za-z0-9.+!]*)")
# Which list of pyproject.toml a layer carries.
EXTRAS = {
    "deps": "",
    "aws": "aws",
    "powertools": "aws",
    "codecs": "codecs",
    "tablestore": "tablestore",
    "kafka": "kafka",
}


class Pin(NamedTuple):
    """One line of a lock file."""

    layer: str
    name: str  # as the index spells it
    version: str


def layers(root: Path) -> list[Path]:
    """The folders of layers with third-party wheels."""
    return sorted(path.parent for path in root.glob("layers/*/requirements.txt"))


def pins(requirements: Path) -> dict[str, Pin]:
    """Name -> pin; what is no pin is left out (`findings` tells of it)."""
    found = (_PIN.fullmatch(line) for line in _lines(requirements))
    made = [Pin(requirements.parent.name, canonicalize_name(it["name"]), it["version"]) for it in found if it]
    return {pin.name: pin for pin in made}


def locked(root: Path) -> list[dict[str, object]]:
    """The entries of layers/lock.json: layer, name, version, wheel, sha256, licence, licence_files."""
    entries: list[dict[str, object]] = json.loads((root / "layers/lock.json").read_text(encoding="utf-8"))["wheels"]
    return entries


def findings(root: Path) -> Iterator[str]:
    """Every mistake of the lock files, each with its file."""
    homes: dict[str, str] = {}
    for layer in layers(root):
        file = f"layers/{layer.name}/requirements.txt"
        for line in _lines(layer / "requirements.txt"):
            if not _PIN.fullmatch(line):
                yield f"{file}: {line!r} is not NAME==VERSION: no range, no address, no option"
        for name in pins(layer / "requirements.txt"):
            if name in homes:
                yield f"{file}: {name} is in layers/{homes[name]} too"
            homes[name] = layer.name
        yield from _of_project(root, layer)
    yield from _of_lock(root)


def _lines(requirements: Path) -> list[str]:
    lines = (line.strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _of_project(root: Path, layer: Path) -> Iterator[str]:
    """Whether the versions are those that pyproject.toml allows."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = EXTRAS.get(layer.name)
    if extra is None:
        yield f"layers/{layer.name}: which list of pyproject.toml is it? (checks/locks.py)"
        return
    wanted = project["optional-dependencies"].get(extra, []) if extra else project["dependencies"]
    here = pins(layer / "requirements.txt")
    for text in wanted:
        need = Requirement(text)
        pin = here.get(canonicalize_name(need.name))
        if pin is not None and pin.version not in need.specifier:
            yield f"layers/{layer.name}: {pin.name} {pin.version} is not {need.specifier} (pyproject.toml)"
        if pin is None and not extra:
            yield f"layers/{layer.name}/requirements.txt: {need.name} of pyproject.toml is missing"


def _of_lock(root: Path) -> Iterator[str]:
    """Whether lock.json says the same, with a hash for each."""
    asked = {pin for layer in layers(root) for pin in pins(layer / "requirements.txt").values()}
    entries = locked(root)
    held = {Pin(str(entry["layer"]), str(entry["name"]), str(entry["version"])) for entry in entries}
    for pin in sorted(asked ^ held):
        where = "requirements.txt" if pin in asked else "lock.json"
        yield f"layers: {pin.name} {pin.version} of {pin.layer} is only in {where}: run python -m checks lock"
    for entry in entries:
        if not re.fullmatch(r"[0-9a-f]{64}", str(entry["sha256"])):
            yield f"layers/lock.json: {entry['name']}: has no SHA-256 of its wheel"
