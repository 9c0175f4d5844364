"""Writes layers/lock.json: of each pinned wheel for the clouds its file name, its hash and its licence.

Asks the package index through pip, which tells what it would install; the licence is read from the wheel itself.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from checks import licences, locks
from logferry_local.packaging import TARGET, wheels

__all__ = ["write"]

_TIME_OUT = 600  # seconds


def write(root: Path) -> None:
    """The whole file anew."""
    entries = [entry for layer in locks.layers(root) for entry in _entries(root, layer)]
    text = json.dumps({"python": TARGET, "platform": "Linux x86-64", "wheels": entries}, indent=1)
    (root / "layers/lock.json").write_text(text + "\n", encoding="utf-8")


def _entries(root: Path, layer: Path) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as apart:  # where no lock file is: it is about to be written
        alone = Path(apart) / layer.name
        alone.mkdir()
        shutil.copy(layer / "requirements.txt", alone)
        unpacked = wheels.unpacked(alone / "requirements.txt", root / "build/packages/wheels", TARGET)
    about: dict[str, Path] = {}
    for folder in unpacked.glob("*.dist-info"):
        name = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))["Name"]
        about[canonicalize_name(name)] = folder
    made = []
    for item in _report(layer / "requirements.txt"):
        name = canonicalize_name(item["metadata"]["name"])
        licence, files = licences.of_wheel(about[name])
        made.append(
            {
                "layer": layer.name, "name": name, "version": item["metadata"]["version"],
                "wheel": item["download_info"]["url"].rpartition("/")[2],
                "sha256": item["download_info"]["archive_info"]["hashes"]["sha256"],
                "licence": licence, "licence_files": files,
            }
        )  # fmt: skip
    return sorted(made, key=lambda entry: str(entry["name"]))


def _report(requirements: Path) -> list[dict[str, Any]]:
    """What pip would install for the target, each with where from."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-", "--target", nowhere,
            *wheels.target_options(TARGET), "-r", str(requirements),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_OUT, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["install"]
    return found
