"""The lock file of wheels, `layers/lock.json`: for the clouds' Python each wheel is the one whose hash stands there."""

import json
from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["pinned"]


def pinned(requirements: Path, version: str | None) -> str:
    """The requirements as pip reads them, each with its hash where the lock is for that Python; else as they are.

    With one hash pip wants one for all, and installs nothing else. ConfigError for a lock that cannot be read.
    """
    text = requirements.read_text(encoding="utf-8")
    file = requirements.parents[1] / "lock.json"
    if version is None or not file.is_file():
        return text
    try:
        lock = json.loads(file.read_text(encoding="utf-8"))
        held = [entry for entry in lock["wheels"] if entry["layer"] == requirements.parent.name]
        hashed = "".join(f"{entry['name']}=={entry['version']} --hash=sha256:{entry['sha256']}\n" for entry in held)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(["is not what python -m checks lock writes"], subject=str(file)) from None
    return hashed if hashed and lock.get("python") == version else text
