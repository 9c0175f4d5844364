"""Locked requirements -> unpacked wheels, once: kept by what they were made from.

Target: CPython, Linux x86-64, glibc 2.28 or newer (Function Compute's Debian 11 has 2.31, Lambda's AL2023 2.34).
No version: whatever fits the running interpreter, for tests.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["unpacked"]

_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_DROPPED = (
    "*.pyi",
    "RECORD",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
)  # of no use at run time, or not the same twice
_TIME_OUT = 600  # seconds


def unpacked(requirements: Path, cache: Path, version: str | None) -> Path:
    """The folder that holds exactly the wheels named in the file; ConfigError with pip's words if it cannot be had."""
    options = ["--no-deps", "--no-compile", "--only-binary=:all:"]
    if version is not None:
        options += ["--implementation", "cp", "--python-version", version]
        options += [option for platform in _PLATFORMS for option in ("--platform", platform)]
    made_from = "\n".join([requirements.read_text(), *options, *_DROPPED, version or sys.version])
    folder = cache / f"{requirements.parent.name}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        target = Path(scratch) / "wheels"
        _install([*options, "--target", str(target), "-r", str(requirements)], requirements)
        _trim(target)
        try:
            target.rename(folder)
        except OSError:  # another build was quicker, and made the same
            if not folder.is_dir():
                raise
    return folder


def _install(options: list[str], requirements: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_OUT, check=False)
    except subprocess.TimeoutExpired:
        raise ConfigError([f"pip took more than {_TIME_OUT} s"], subject=str(requirements)) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        said = [re.sub(r" \(from versions: .*\)", "", line.removeprefix("ERROR: ")) for line in lines[:5]]
        raise ConfigError(said, subject=str(requirements))


def _trim(target: Path) -> None:
    shutil.rmtree(target / "bin", ignore_errors=True)
    for pattern in _DROPPED:
        for path in target.rglob(pattern):
            path.unlink()
