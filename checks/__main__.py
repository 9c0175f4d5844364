"""`python -m checks [lock | audit]`."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from checks import advisories, leaks, licences, lock, locks, yanked

__all__ = ["audit", "check", "files", "main"]

ROOT = Path(__file__).parents[1]
NOT_MADE = 3
_MADE = frozenset((".venv", ".git", "build", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"))


def main(words: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m checks")
    parser.add_argument("what", nargs="?", choices=("check", "lock", "audit"), default="check")
    what = parser.parse_args(words).what
    if what == "lock":
        lock.write(ROOT)
        return 0
    return audit(ROOT) if what == "audit" else check(ROOT)


def check(root: Path) -> int:
    """All that can be asked of the tree alone."""
    tracked = files(root)
    findings = [*locks.findings(root), *licences.findings(root), *leaks.findings(root, tracked)]
    return _told(findings, f"locks, licences and {len(tracked)} files without secrets: nothing found")


def files(root: Path) -> list[Path]:
    """Those under version control; in an unpacked archive all that are not made here."""
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)  # noqa: S607  # git is where PATH says
    if asked.returncode:
        found = (path for path in root.rglob("*") if not _MADE.intersection(path.relative_to(root).parts))
        return sorted(path for path in found if path.is_file())
    return [root / name for name in asked.stdout.decode().split("\0") if name and (root / name).is_file()]


def audit(root: Path, service: Sequence[str] = ()) -> int:
    """What only others know; `service` is given to pip-audit."""
    pins = [pin for layer in locks.layers(root) for pin in locks.pins(layer / "requirements.txt").values()]
    try:
        findings = [*yanked.findings(pins), *advisories.findings(pins, service)]
    except advisories.NotMadeError as error:
        sys.stderr.write(f"NOT AUDITED: {error}\n")
        return NOT_MADE
    return _told(findings, f"{len(pins)} locked packages: none is yanked, none has a known vulnerability")


def _told(findings: Sequence[str], all_well: str) -> int:
    sys.stderr.writelines(f"{finding}\n" for finding in findings)
    sys.stdout.write(f"{len(findings)} finding(s)\n" if findings else f"{all_well}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
