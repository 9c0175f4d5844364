"""Typed documents from outside: check everything, list every mistake with its path, then build.

A document's shape is a `Config` (a frozen `msgspec.Struct` that refuses unknown keys). Types and
`msgspec.Meta` constraints do most of the checking; what needs several fields at once goes into
`problems()`. The JSON Schema comes from the same classes.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from logferry.errors import ConfigError

__all__ = ["Config", "Duration", "Port", "SecretRef", "load", "seconds"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="1-65535")]
SecretRef = Annotated[
    str, msgspec.Meta(pattern="^secret://[a-z]+/.+$", description="secret://env/NAME or secret://file/PATH")
]
Duration = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", description="a number and ms, s, m, h or d, such as 5m"),
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mapping of a document. Subclasses add fields, and `problems` for what types cannot say."""

    def problems(self) -> list[str]:
        """Mistakes that need more than one field, each as `field: what, value, expected`."""
        return []


C = TypeVar("C", bound=Config)


def seconds(duration: str) -> float:
    """`"90s"`, `"5m"`, `"1.5h"` -> seconds."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", duration).groups()  # type: ignore[union-attr]  # a checked Duration
    return float(number) * _UNITS[unit]


def load(shape: type[C], data: object, *, path: str = "", subject: str = "configuration") -> C:
    """`data` as a `shape`; ConfigError that names every mistake at once, each with its path."""
    found: list[str] = []
    value = _check(shape, data, path, found)
    if value is None or found:
        raise ConfigError(found, subject=subject)
    return value


def _check(shape: type[C], data: object, path: str, found: list[str]) -> C | None:
    if not isinstance(data, Mapping):
        found.append(f"{path or 'document'}: {_show(data)} is not a mapping of {', '.join(shape.__struct_fields__)}")
        return None
    before = len(found)
    values: dict[str, Any] = {}
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for key in data:
        if key not in known:
            found.append(f"{_join(path, key)}: unknown key{_nearest(str(key), list(known))}; known: {', '.join(known)}")
    for name, field in known.items():
        if name in data:
            values[field.name] = _value(field.type, data[name], _join(path, name), found)
        elif field.required:
            found.append(f"{_join(path, name)}: is missing, {_expected(field.type)} is required")
    if len(found) > before:
        return None
    made = shape(**values)
    found.extend(_join(path, problem) for problem in made.problems())
    return made


def _value(kind: Any, data: object, path: str, found: list[str]) -> object:
    inner = _config_of(kind)
    if inner is not None and data is not None:
        return _check(inner, data, path, found)
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        at = re.search(r" - at `\$(?P<path>[^`]*)`", str(error))
        where = path + (at["path"] if at else "")
        found.append(f"{where}: {_show(data)} is not {_expected(kind)} ({str(error).split(' - at')[0]})")
        return None


def _config_of(kind: Any) -> type[Config] | None:
    """The Config inside `Config` or `Config | None`, else None."""
    for option in getattr(kind, "__args__", None) or (kind,):
        if isinstance(option, type) and issubclass(option, Config):
            return option
    return None


def _expected(kind: Any) -> str:
    schema = msgspec.json.schema(kind)
    if "$ref" in schema:
        return "a mapping"
    if "enum" in schema:
        return "one of " + ", ".join(str(item) for item in schema["enum"])
    options = [option.get("type", "") for option in schema.get("anyOf", [])]
    text = str(schema.get("description") or schema.get("type") or " or ".join(filter(None, options)) or "a value")
    return text if text[0].isdigit() or text.startswith(("a ", "an ", "secret:")) else f"a {text}"


def _show(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _nearest(key: str, known: list[str]) -> str:
    match = difflib.get_close_matches(key, known, n=1)
    return f", did you mean {match[0]}?" if match else ""
