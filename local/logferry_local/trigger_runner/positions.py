"""Where each trigger's next range begins: a small JSON file, rewritten after each range. One runner a file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["Positions"]


class Positions:
    """Cursors by trigger and shard."""

    def __init__(self, path: Path | None) -> None:
        """Read `path`, if it is there; None keeps everything in memory."""
        self._path = path
        self._known: dict[str, str] = {}
        if path is not None and path.exists():
            self._known = _read(path)

    def get(self, key: str) -> str | None:
        """The cursor of the next range; None before the first."""
        return self._known.get(key)

    def set(self, key: str, cursor: str) -> None:
        """Remember it, durably: the file is replaced as a whole."""
        self.update({key: cursor})

    def update(self, cursors: Mapping[str, str]) -> None:
        """As `set`, for many at once."""
        self._known.update(cursors)
        self._save()

    def drop(self, keys: Iterable[str]) -> None:
        """Forget them."""
        gone = [key for key in keys if self._known.pop(key, None) is not None]
        if gone:
            self._save()

    def keys(self, prefix: str) -> list[str]:
        """What is known below `prefix`."""
        return [key for key in self._known if key.startswith(prefix)]

    def started(self, prefix: str) -> bool:
        """Whether any cursor below `prefix` is known."""
        return any(key.startswith(prefix) for key in self._known)

    def _save(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(self._path.name + ".part")
            part.write_text(json.dumps(self._known, indent=2, sort_keys=True) + "\n")
            part.replace(self._path)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        problem = f"{path}: cannot be read ({type(error).__name__}); delete it to start anew"
        raise ConfigError([problem], subject="trigger positions") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigError([f"{path}: not a mapping of cursors; delete it to start anew"], subject="trigger positions")
    return found
