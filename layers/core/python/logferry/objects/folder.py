"""`folder:PATH`: objects as files below a directory; a key is the file's path below it.

Written to `PATH/.partial`, synced, renamed, the directories synced: after a crash an object is whole, old or absent.
Files are made with mode 0600, directories with 0700. A key cannot also be the folder of another (`a` and `a/b`).
Several processes may share it. What a killed process left in `.partial` is removed a day later.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from logferry.errors import ConfigError, StateError
from logferry.objects._keys import check_body, check_key, check_prefix, mistake

__all__ = ["FORM", "OPTIONS", "FolderStore", "etag_of", "folder_of", "mark_of", "open_store", "place_of"]

OPTIONS: tuple[str, ...] = ()
FORM = "folder:PATH"

_PARTIAL = ".partial"
_DAY = 86_400  # seconds


class FileContent:
    """A file that is being read; one that is replaced meanwhile stays the one it was."""

    def __init__(self, path: Path, begin: int) -> None:
        self._path = path
        self._file = path.open("rb")
        found = os.fstat(self._file.fileno())
        self.etag, self.size = etag_of(mark_of(found)).lower(), found.st_size
        self._file.seek(begin)

    def read(self, most: int) -> bytes:
        """The next bytes."""
        with _translated(self._path):
            return self._file.read(most)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class FolderStore:
    """Objects as files below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept = False

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite, all or nothing."""
        target = self._path(key)
        check_body(key, len(body))
        with _translated(target):
            _make_folder(self._root / _PARTIAL)
            partial = self._root / _PARTIAL / secrets.token_hex(16)
            try:
                _write(partial, body)
                self._sweep(partial)
                _make_folder(target.parent)
                partial.replace(target)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)

    def get(self, key: str) -> bytes | None:
        """The file's bytes, None if there is none."""
        path = self._path(key)
        with _translated(path):
            try:
                with path.open("rb") as file:
                    check_body(key, os.fstat(file.fileno()).st_size)
                    return file.read()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def stream(self, key: str, begin: int = 0) -> FileContent | None:
        """The file's bytes from `begin` on."""
        path = self._path(key)
        with _translated(path):
            try:
                return FileContent(path, begin)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix`, sorted; one directory is read at a time."""
        check_prefix(prefix)
        folder = prefix.rpartition("/")[0]
        return self._walk(f"{folder}/" if folder else "", prefix)

    def delete(self, key: str) -> None:
        """Delete; its directory stays."""
        path = self._path(key)
        with _translated(path), suppress(FileNotFoundError, NotADirectoryError):
            if path.is_dir():
                return
            path.unlink()
            _sync_folder(path.parent)

    def _path(self, key: str) -> Path:
        check_key(key)
        if key.split("/", 1)[0] == _PARTIAL:
            raise ConfigError([f"{key!r} begins with {_PARTIAL}, where objects are half written"], subject="object key")
        return self._root / key

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        with _translated(self._root / folder):
            try:
                with os.scandir(self._root / folder) as entries:
                    found = sorted(filter(None, map(_name, entries)))
            except (FileNotFoundError, NotADirectoryError):
                return
        for name in found:
            key = folder + name
            if key == f"{_PARTIAL}/" or not (key.startswith(prefix) or prefix.startswith(key)):
                continue
            if name.endswith("/"):
                yield from self._walk(key, prefix)
            elif key.startswith(prefix) and mistake(key) is None:
                yield key

    def _sweep(self, partial: Path) -> None:
        """Remove what is a day older than `partial`, once; the file system's own clock tells."""
        if self._swept:
            return
        self._swept = True
        now = partial.stat().st_mtime
        for left in partial.parent.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < now - _DAY:
                    left.unlink()


def open_store(location: str, options: Mapping[str, str]) -> FolderStore:  # noqa: ARG001  # the same signature in every file of this room
    """The store below `location`; directories are made by the first put."""
    return FolderStore(folder_of(location))


def folder_of(location: str) -> Path:
    """The directory itself."""
    return Path(location).expanduser().absolute()


def mark_of(found: os.stat_result) -> str:
    """What is another one with every put of a file, as far as its file system tells."""
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"


def etag_of(mark: str) -> str:
    """As events call it: not of the content, which may be large."""
    return hashlib.sha256(mark.encode()).hexdigest()[:32].upper()


def place_of(location: str) -> tuple[str, str]:
    """A folder passes for a bucket of its own name."""
    return folder_of(location).name, ""


def _name(entry: os.DirEntry[str]) -> str:
    """As it stands in a key: a directory with its slash, so that it sorts as its keys do; empty for what is neither."""
    if entry.is_dir(follow_symlinks=False):  # a link could lead in a circle
        return f"{entry.name}/"
    return entry.name if entry.is_file() else ""


def _write(path: Path, body: bytes) -> None:
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123  # a descriptor with its mode
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(path: Path) -> None:
    """The directory and its parents, each new one synced into the one above."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():  # another writer may have made it meanwhile
            raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        problem = f"folder:{path}: one key cannot be the folder of another, as a and a/b ({error.strerror})"
        raise ConfigError([problem], subject="object key") from error
    except OSError as error:
        raise StateError(f"folder:{path}: {error.strerror}") from error
