"""Which locked versions their authors have taken back (PEP 592): pip installs a pinned one all the same, and warns."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from checks.advisories import NotMadeError
from checks.locks import Pin
from logferry_local.packaging import TARGET, wheels

__all__ = ["findings"]

_WARNING = re.compile(r"yanked version: '(?P<name>[^']+)' candidate \(version (?P<version>\S+)")
_TIME_OUT = 600  # seconds


def findings(pins: Sequence[Pin], options: Sequence[str] = ()) -> Iterator[str]:
    """Each yanked pin; NotMadeError when the index could not be asked. `options` are pip's."""
    with tempfile.TemporaryDirectory() as scratch:
        names = Path(scratch) / "requirements.txt"
        names.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins))
        command = [
            sys.executable, "-m", "pip", "install", "--dry-run", "--no-input", "--target", f"{scratch}/none",
            *wheels.target_options(TARGET), *options, "-r", str(names),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_OUT, check=False)
    if done.returncode:
        raise NotMadeError(f"pip could not ask the index: {done.stderr.strip()[-500:]}")
    for found in _WARNING.finditer(done.stderr):
        yield f"{found['name']} {found['version']}: its authors have taken this version back (yanked)"
