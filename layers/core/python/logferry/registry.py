"""A kind named in the configuration is the file of that name in its room: no list to edit."""

import importlib
import pkgutil
from types import ModuleType

from logferry.errors import ConfigError

__all__ = ["find", "names"]


def names(room: str) -> list[str]:
    """Names of all modules in `logferry.<room>`, sorted (private ones left out)."""
    package = importlib.import_module(f"logferry.{room}")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def find(room: str, name: str) -> ModuleType:
    """The module `logferry.<room>.<name>`; ConfigError that lists the known names if there is none."""
    if name not in names(room):
        raise ConfigError([f"{name!r} is not one of: {', '.join(names(room))}"], subject=room)
    return importlib.import_module(f"logferry.{room}.{name}")
