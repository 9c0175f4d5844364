"""The configuration bucket: where task files are put. `LOGFERRY_TASKS` names it, and an event may only match it.

`folder:.logferry/logferry-tasks` by default; the bucket that events call by name is then the folder's own name. Files
end in `.yaml`, `.yml` or `.json` and have up to 1 MiB.
"""

from collections.abc import Mapping
from typing import NamedTuple

from logferry import documents, objects, registry
from logferry.errors import ConfigError
from logferry.objects import Store
from logferry.put_events import Put

__all__ = ["ENDINGS", "TaskFiles", "open_files", "place"]

ENDINGS = (".yaml", ".yml", ".json")


class TaskFiles(NamedTuple):
    """The bucket, or the part of it below a prefix."""

    bucket: str
    prefix: str  # empty, or with a slash at its end
    store: Store

    def is_meant(self, put: Put) -> bool:
        """Whether it is named like a task file. ConfigError for what lies elsewhere."""
        if put.bucket != self.bucket:
            problem = f"bucket {put.bucket[:80]!r} is not {self.bucket!r}, where task files are (LOGFERRY_TASKS)"
            raise ConfigError([problem], subject="event")
        if not any(key.startswith(self.prefix) for key in put.keys):
            raise ConfigError([f"{put.keys[0][:80]!r} is not below {self.prefix!r}"], subject="event")
        return any(key.endswith(ENDINGS) for key in put.keys)

    def read(self, put: Put) -> bytes | None:
        """The file as it is now; None if it is gone. ConfigError for a key that is none, or a file that is too large.

        The newest version, whichever the event is about: events come twice, and not in order.
        """
        if put.size > documents.MAX_BYTES:
            problem = f"{put.size} bytes, at most {documents.MAX_BYTES} are accepted"
            raise ConfigError([problem], subject=f"task file {put.keys[0][:80]}")
        for key in put.keys:
            body = self.store.get(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
            if body is not None:
                return body
        return None


def open_files(environ: Mapping[str, str]) -> TaskFiles:
    """What `LOGFERRY_TASKS` names."""
    url = place(environ)
    found = registry.locate("objects", url)
    bucket, prefix = found.module.place_of(found.location)
    return TaskFiles(bucket, prefix, objects.open_store(url))


def place(environ: Mapping[str, str]) -> str:
    """Where the task files are, as it is written."""
    return environ.get("LOGFERRY_TASKS") or "folder:.logferry/logferry-tasks"
