"""What must not be in any file of the project."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME|NotImplemented" + "Error")


def tracked() -> list[Path]:
    """Files under version control; in an unpacked archive, all files."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in found.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_nothing_unfinished_is_in_the_tree() -> None:
    """No marker of work left undone."""
    assert [
        str(path) for path in tracked() if UNFINISHED.search(path.read_text(encoding="utf-8", errors="replace"))
    ] == []


def test_no_binaries_are_in_the_tree() -> None:
    """Golden bytes aside, every file is text."""
    binary = [str(path) for path in tracked() if b"\0" in path.read_bytes() and "golden" not in path.parts]
    assert binary == []
