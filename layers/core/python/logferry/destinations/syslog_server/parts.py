"""The files of `encoders` that a message is made of, found by name, and their options.

`body: cef` is the file with its defaults, `body: {cef: {product: WAF}}` with options of its own. An option may also
stand beside `format` and `body`, where the published script has its `sep`.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import msgspec

from logferry import config, registry
from logferry.errors import ConfigError

__all__ = ["choose", "names", "strangers"]


def names(role: str) -> list[str]:
    """All files that can play this part."""
    return [name for name in registry.names("encoders") if _plays(role, name)]


def choose(role: str, given: str | Mapping[str, Any], beside: Mapping[str, Any]) -> tuple[ModuleType, config.Config]:
    """The file and its checked options, those of `beside` that it knows among them; ConfigError for any mistake."""
    if not isinstance(given, str) and len(given) != 1:
        raise ConfigError([f"{role}: a mapping of {len(given)} keys is not one of {', '.join(names(role))}"])
    name, own = (given, {}) if isinstance(given, str) else next(iter(given.items()))
    if not _plays(role, name):
        raise ConfigError([f"{role}: {name[:60]!r} is not one of {', '.join(names(role))}"])
    module = registry.find("encoders", name)
    mine = {key: value for key, value in beside.items() if key in _options(module)}
    if isinstance(own, Mapping):
        twice = [f"{key}: stands beside {role} and under {name}: write it once" for key in mine if key in own]
        if twice:
            raise ConfigError(twice)
        own, path = {**own, **mine}, f"{role}.{name}" if own else ""
    else:
        path = f"{role}.{name}"
    return module, config.load(module.Config, own, path=path)


def strangers(chosen: Iterable[ModuleType], beside: Iterable[str]) -> list[str]:
    """What is said of options that none of the chosen files knows."""
    known = set().union(*map(_options, chosen))
    found = []
    for key in (key for key in beside if key not in known):
        every = (registry.find("encoders", name) for role in ("format", "body") for name in names(role))
        users = [module.__name__.rpartition(".")[2] for module in every if key in _options(module)]
        found.append(f"{key}: applies to {', '.join(users)} only")
    return found


def _plays(role: str, name: str) -> bool:
    return name in registry.names("encoders") and getattr(registry.find("encoders", name), "ROLE", "") == role


def _options(module: ModuleType) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(module.Config)}
