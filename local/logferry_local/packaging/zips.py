"""Zips whose bytes depend on names and contents only: sorted, one date, one mode."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write"]

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
