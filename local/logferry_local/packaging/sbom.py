"""The bill of materials of built zips, as CycloneDX 1.6 in JSON: what is in which, under which licence, by which hash.

Read from the zips themselves (each wheel's `dist-info`); licences and the wheels' hashes are those of layers/lock.json.
The same zips give the same bytes: no time is in it, and its serial number is made from its content.
What wheels hold in turn (Rust crates, C libraries) is not listed: some bring a list of their own, in `dist-info/sboms`.
Specification: CycloneDX 1.6 (ECMA-424); packages are named by URLs of purl-spec, in the type for Python.
"""

import json
import re
import tomllib
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from logferry_local.packaging import Package

__all__ = ["NAME", "document", "write"]

NAME = "sbom.cdx.json"
_ABOUT = re.compile(r"(?:.*/)?[^/]+\.dist-info/METADATA")
_SPACE = uuid.UUID("a3e7c1de-6a0b-5c36-9f3e-5f8f4d5f4c11")  # of our serial numbers


class Wheel(NamedTuple):
    """One wheel in a zip."""

    name: str  # as the index spells it
    version: str

    @property
    def purl(self) -> str:
        """Its package URL, by which it is named here."""
        return f"pkg:pypi/{self.name}@{self.version}"


def write(root: Path, built: Sequence["Package"], python: str, out: Path) -> Path:
    """The file beside the zips."""
    path = out / NAME
    path.write_text(json.dumps(document(root, built, python), indent=1) + "\n", encoding="utf-8")
    return path


def document(root: Path, built: Sequence["Package"], python: str) -> dict[str, Any]:
    """The whole bill; hashes of wheels only for the Python that they are locked for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    held = {package.name: _wheels(package.path) for package in built}
    lock = json.loads((root / "layers/lock.json").read_text(encoding="utf-8"))
    locked = {Wheel(entry["name"], entry["version"]): entry for entry in lock["wheels"]}
    every = sorted({wheel for wheels in held.values() for wheel in wheels})
    whole = f"pkg:generic/{project['name']}@{project['version']}"
    made: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": whole, "name": project["name"], "version": project["version"],
                "purl": whole, "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [
            *(_zip(package) for package in built),
            *(_library(wheel, locked.get(wheel), hashed=lock["python"] == python) for wheel in every),
        ],
        "dependencies": [
            {"ref": whole, "dependsOn": [package.name for package in built]},
            *({"ref": name, "dependsOn": [wheel.purl for wheel in wheels]} for name, wheels in held.items()),
        ],
    }  # fmt: skip
    serial = uuid.uuid5(_SPACE, json.dumps(made, sort_keys=True))
    return {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "serialNumber": f"urn:uuid:{serial}", **made}


def _zip(package: "Package") -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": package.sha256}]
    return {"type": "file", "bom-ref": package.name, "name": package.path.name, "hashes": hashes}


def _library(wheel: Wheel, entry: Mapping[str, Any] | None, *, hashed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library", "bom-ref": wheel.purl, "name": wheel.name, "version": wheel.version, "purl": wheel.purl,
    }  # fmt: skip
    if entry is not None:
        found["licenses"] = [{"expression": entry["licence"]}]
    if entry is not None and hashed:
        found["hashes"] = [{"alg": "SHA-256", "content": entry["sha256"]}]
    return found


def _wheels(path: Path) -> list[Wheel]:
    """The wheels whose metadata is in a zip."""
    found = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if _ABOUT.fullmatch(name):
                head = archive.read(name).decode("utf-8", "replace").partition("\n\n")[0]
                told = dict(line.split(": ", 1) for line in head.splitlines() if re.match(r"(Name|Version): ", line))
                found.add(Wheel(re.sub(r"[-_.]+", "-", told["Name"]).lower(), told["Version"]))
    return sorted(found)
