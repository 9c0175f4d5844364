"""What each function's RAM role is granted: `deploy/ram/FUNCTION.json`, with the variables of `s.yaml` put in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from logferry.errors import ConfigError
from logferry_local.deploy_files.expressions import expand

__all__ = ["documents", "policy"]


def documents(root: Path) -> dict[str, Path]:
    """Where each function's policy is, and `trust`, which lets Function Compute take the roles on."""
    return {path.stem: path for path in sorted((root / "deploy/ram").glob("*.json"))}


def policy(root: Path, name: str, file: Path) -> Mapping[str, Any]:
    """The policy of a function as `file` names its places. ConfigError for an unknown function or variable."""
    known = documents(root)
    if name not in known:
        raise ConfigError([f"{name!r} is not one of {', '.join(known)}"], subject="deploy policy")
    try:
        deployed = yaml.safe_load(file.read_text(encoding="utf-8"))
        variables: Mapping[str, object] = deployed["vars"]
    except OSError as error:
        raise ConfigError([f"cannot be read ({error.strerror})"], subject=str(file)) from None
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError):
        raise ConfigError(["is not a deploy file with vars: logferry deploy check"], subject=str(file)) from None
    problems: list[str] = []
    found = expand(json.loads(known[name].read_text(encoding="utf-8")), variables, {}, problems)
    if problems or not isinstance(found, Mapping):
        raise ConfigError(problems, subject=str(known[name].relative_to(root)))
    return found
