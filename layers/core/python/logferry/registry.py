"""A kind named in the configuration is the file of that name in its room: no list to edit.

A place (`sqlite:PATH`, `s3:BUCKET/PREFIX?region=…`) is `KIND:LOCATION?OPTIONS`; the kind is such a file, and its
`OPTIONS` name the options it knows. The location is taken as it stands, option values are percent-decoded.
"""

import importlib
import os
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl

from msgspec import Struct

from logferry.errors import ConfigError
from logferry.likeness import nearest

__all__ = ["Place", "find", "locate", "names"]

_SHOWN = 60  # characters of a wrong name that an error repeats


class Place(Struct, frozen=True):
    """Where something is kept: the module that speaks to it, and what to tell it."""

    module: ModuleType
    location: str
    options: dict[str, str]


def names(room: str) -> list[str]:
    """Names of all modules in `logferry.<room>`, sorted (private ones left out)."""
    return list(_names(room))


@cache
def _names(room: str) -> tuple[str, ...]:
    # Asked for several times a condition of each task's filter: reading the folder each time cost more than the checks.
    package = importlib.import_module(f"logferry.{room}")
    found = (_module(entry) for folder in package.__path__ for entry in os.scandir(folder))
    return tuple(sorted({name for name in found if name and not name.startswith("_")}))


def _module(entry: "os.DirEntry[str]") -> str:
    """The name of the module or package that this file or folder is, "" for none. As pkgutil does, which loads more."""
    name, dot, ending = entry.name.partition(".")
    if not dot:
        return name if any(Path(entry.path).glob("__init__.py*")) else ""
    return name if ending in ("py", "pyc") else ""


def find(room: str, name: str) -> ModuleType:
    """The module `logferry.<room>.<name>`; ConfigError that lists the known names if there is none."""
    known = names(room)
    if name not in known:
        hint = nearest(name[:_SHOWN], known)
        raise ConfigError([f"{name[:_SHOWN]!r} is not one of: {', '.join(known)}{hint}"], subject=room)
    return importlib.import_module(f"logferry.{room}.{name}")


def locate(room: str, url: str) -> Place:
    """`kind:location?name=value&…` taken apart; ConfigError for an unknown kind or option, or one given twice."""
    kind, colon, rest = url.partition(":")
    if not colon:
        form = " or ".join(f"{name}:…" for name in names(room))
        raise ConfigError([f"{url[:_SHOWN]!r} is not of the form {form}"], subject=room)
    module = find(room, kind)
    location, _, query = rest.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    known = ", ".join(module.OPTIONS) or "none"
    problems = [f"{kind}: unknown option {name!r}; known: {known}" for name in options if name not in module.OPTIONS]
    if len(options) < len(pairs):
        problems.append(f"{kind}: an option is given twice")
    if not location:
        problems.append(f"{kind}: nothing follows {kind}:, expected {module.FORM}")
    if problems:
        raise ConfigError(problems, subject=room)
    return Place(module, location, options)
