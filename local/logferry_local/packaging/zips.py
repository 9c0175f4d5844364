"""Zips whose bytes depend on names and contents only: sorted, one date, one mode.

Standard library only and one file, so that it can be started by its path in another Python: `zips.py FOLDER ZIP`.
"""

import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["folder", "write"]

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that the format can say
_MODE = 0o100644 << 16  # a plain file that everybody may read: both clouds run as another user
_UNIX = 3


def write(path: Path, files: Mapping[str, Path]) -> None:
    """Write the zip beside its place, then move it there."""
    part = path.with_name(path.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, files[name].read_bytes())
    part.replace(path)


def folder(root: Path, path: Path) -> None:
    """All files of a folder, by their place in it."""
    write(path, {file.relative_to(root).as_posix(): file for file in root.rglob("*") if file.is_file()})


if __name__ == "__main__":
    folder(Path(sys.argv[1]), Path(sys.argv[2]))
