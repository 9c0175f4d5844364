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
from logferry_local.packaging import elf, hashes

__all__ = ["target_options", "unpacked"]

_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
# Of no use at run time, or not the same twice.
_DROPPED = (
    "*.pyi", "*.pyx", "*.pxd", "*.h", "*.hpp", "*.c", "*.cc", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json",
    "ots_sdk.so", "native_plainbuffer*",  # Tablestore's SDK is used without them (state/_ots_client.py)
    "_cffi*.so", "backend_cffi.py",  # zstandard has its CPython way twice; this one is for PyPy
)  # fmt: skip
_DROPPED_FOLDERS = (
    "bin", "*/tests", "*/test", "charset_normalizer/cli",
    # Only its metrics are used: its web framework and its many utilities are nine tenths of it.
    "aws_lambda_powertools/event_handler", "aws_lambda_powertools/utilities/[a-ik-su-z]*",
)  # fmt: skip
_TRIMMED = "loadable"  # in the cache's key: what else is done to the files
_TIME_OUT = 600  # seconds


def target_options(version: str | None) -> list[str]:
    """What pip has to be told to take the wheels of the clouds."""
    options = ["--no-deps", "--no-compile", "--only-binary=:all:"]
    if version is not None:
        options += ["--implementation", "cp", "--python-version", version]
        options += [option for platform in _PLATFORMS for option in ("--platform", platform)]
    return options


def unpacked(requirements: Path, cache: Path, version: str | None) -> Path:
    """The folder that holds exactly the wheels named in the file; ConfigError with pip's words if it cannot be had."""
    options, wanted = target_options(version), hashes.pinned(requirements, version)
    made_from = "\n".join([wanted, *options, *_DROPPED, *_DROPPED_FOLDERS, _TRIMMED, version or sys.version])
    folder = cache / f"{requirements.parent.name}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        target = Path(scratch) / "wheels"
        names = Path(scratch) / "requirements.txt"
        names.write_text(wanted)
        _install([*options, "--target", str(target), "-r", str(names)], requirements)
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
    for pattern in _DROPPED_FOLDERS:
        for path in target.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
    for pattern in _DROPPED:
        for path in target.rglob(pattern):
            path.unlink()
    for path in target.rglob("*.so*"):
        path.write_bytes(elf.loadable(path.read_bytes()))
