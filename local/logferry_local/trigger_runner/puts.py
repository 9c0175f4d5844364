"""Which objects were put into a bucket since the last look; the bucket is a folder, its objects are its files.

A file counts as put when its size, time of change or inode is another one than before. What is there at the first look
was put before the trigger (`end`), or is put now (`begin`). A file that is gone is forgotten: a new one rings again.
Limits: 10,000 files a look, 20 levels of folders; links are not followed, names that begin with a dot are passed over.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from logferry.errors import SourceError
from logferry.objects.folder import mark_of
from logferry_local.trigger_runner import PutTrigger
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.ranges import Start

__all__ = ["Puts", "Seen"]

_MOST, _DEPTH = 10_000, 20
_STARTED = "/"  # stands for the first look: no key begins with it


class Seen(NamedTuple):
    """A file as it was found."""

    key: str
    size: int
    mark: str  # changes with every put


class Puts:
    """One trigger's view of its folder."""

    def __init__(self, trigger: PutTrigger, folder: Path, positions: Positions, start: Start) -> None:
        self._trigger, self._folder = trigger, folder
        self._positions = positions
        self._prefix = f"{trigger.function}/{trigger.name}/{trigger.bucket}/"
        self._start = start

    def next(self) -> list[Seen]:
        """What was put, by key. SourceError for a folder that cannot be read, or holds too much."""
        found = {seen.key: seen for seen in self._files() if self._is_meant(seen.key)}
        there = {self._prefix + key for key in (*found, _STARTED)}
        self._positions.drop(known for known in self._positions.keys(self._prefix) if known not in there)
        if not self._positions.started(self._prefix):
            old = found.values() if self._start == "end" else ()
            self._positions.update({self._prefix + seen.key: seen.mark for seen in old} | {self._prefix + _STARTED: ""})
        return [seen for key, seen in sorted(found.items()) if self._positions.get(self._prefix + key) != seen.mark]

    def passed(self, seen: Seen) -> None:
        """The function was called for it, whatever came of it: not again until it is put anew."""
        self._positions.set(self._prefix + seen.key, seen.mark)

    def _is_meant(self, key: str) -> bool:
        return key.startswith(self._trigger.prefix) and key.endswith(self._trigger.suffix)

    def _files(self) -> Iterator[Seen]:
        for count, seen in enumerate(self._walk(self._folder, "", _DEPTH)):
            if count == _MOST:
                raise SourceError(f"{self._folder}: more than {_MOST} files, which is too much to look through")
            yield seen

    def _walk(self, folder: Path, prefix: str, depth: int) -> Iterator[Seen]:
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if not entry.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):  # a bucket without objects
            return
        except OSError as error:
            raise SourceError(f"{folder}: cannot be read ({error.strerror})") from None
        for entry in found:
            key = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if depth:
                    yield from self._walk(Path(entry.path), f"{key}/", depth - 1)
            elif entry.is_file(follow_symlinks=False):
                try:
                    it = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # gone since the folder was read
                yield Seen(key, it.st_size, mark_of(it))
