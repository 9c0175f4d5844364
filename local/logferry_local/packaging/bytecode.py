"""Byte-compiles a folder with the target's own interpreter, reproducibly."""

import shutil
import subprocess
import sys
from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["compile_all", "interpreter"]


def interpreter(version: str) -> str | None:
    """A Python of exactly that minor version: the running one, else `pythonX.Y`; None if there is none here."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    ask = [found, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found if told.stdout.strip() == version else None


def compile_all(python: str, folder: Path, mounted_at: str) -> None:
    """One pyc beside each module, valid whatever the source's date; tracebacks name the path `mounted_at`.

    A fixed hash seed and one process make the same bytes each time (sets of constants are stored in hash order).
    """
    command = [python, "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), *(["-p", mounted_at] if mounted_at else []), str(folder)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        raise ConfigError((done.stdout + done.stderr).splitlines()[:5] or ["compileall failed"], subject=str(folder))
