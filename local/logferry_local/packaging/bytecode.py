"""Byte-compiles a folder with the target's own interpreter, reproducibly; and packs it there.

Bytecode is a matter of the minor version (its magic number is the same in all final releases of 3.12), the bytes of a
zip one of the zlib that made it. With one and the same interpreter both are the same on every machine: `.ci/python312`
fetches it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from logferry.errors import ConfigError
from logferry_local.packaging import zips

__all__ = ["compile_all", "interpreter", "pack"]


def interpreter(version: str, root: Path | None = None) -> str | None:
    """A Python of exactly that minor version; None if there is none here.

    The checkout's own (`build/services`) before the running one, and that before `pythonX.Y` on the PATH.
    """
    own = Path(os.environ.get("LOGFERRY_PYTHON312_ROOT", (root or Path()) / "build/services/python3.12"))
    if root is not None and _is(str(own / f"bin/python{version}"), version):
        return str(own / f"bin/python{version}")
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    return found if found is not None and _is(found, version) else None


def _is(python: str, version: str) -> bool:
    ask = [python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.stdout.strip() == version


def compile_all(python: str, folder: Path, mounted_at: str) -> None:
    """One pyc beside each module, valid whatever the source's date; tracebacks name the path `mounted_at`.

    A fixed hash seed and one process make the same bytes each time (sets of constants are stored in hash order).
    """
    command = [python, "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), *(["-p", mounted_at] if mounted_at else []), str(folder)]
    _run(command, str(folder))


def pack(python: str, folder: Path, path: Path) -> None:
    """As `zips.folder`, in that interpreter: its zlib makes the bytes."""
    _run([python, "-I", "-S", zips.__file__, str(folder), str(path)], str(path))


def _run(command: list[str], subject: str) -> None:
    environ = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environ)
    if done.returncode:
        raise ConfigError((done.stdout + done.stderr).splitlines()[:5] or ["it failed"], subject=subject)
