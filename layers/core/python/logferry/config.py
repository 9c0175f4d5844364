"""Typed documents from outside: check everything, list every mistake with its path, then build.

A document's shape is a `Config` (a frozen `msgspec.Struct` that refuses unknown keys). Types and
`msgspec.Meta` constraints do most of the checking; what needs several fields at once goes into
`problems()`. The JSON Schema comes from the same classes.
"""

import difflib
import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from logferry.errors import ConfigError

__all__ = ["Config", "Duration", "Port", "SecretRef", "load", "seconds"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="1-65535")]
# `$` alone would let a line break through after the last letter.
SecretRef = Annotated[
    str, msgspec.Meta(pattern=r"^secret://[a-z]+/.+$(?!\n)", description="secret://env/NAME or secret://file/PATH")
]
Duration = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$(?!\n)", description="a number and ms, s, m, h or d, such as 5m"
    ),
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
    found.extend(
        f"{_join(path, key)}: unknown key{_nearest(str(key), list(known))}; known: {', '.join(known)}"
        for key in data
        if key not in known
    )
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


def _value(kind: Any, data: object, path: str, found: list[str]) -> object:  # noqa: ANN401  # a type expression
    inner = _config_of(kind)
    if inner is not None and data is not None:
        return _check(inner, data, path, found)
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$")
        where = path + at.rstrip("`")
        if _may_hold_secret(kind):
            found.append(
                f"{where}: is not a reference to a secret (not shown): put it elsewhere, write {_expected(kind)}"
            )
        elif at:
            found.append(f"{where}: {_show(_inside(data, at))} does not fit in {_expected(kind)} ({text})")
        else:
            detail = "" if "got `" in text or _is_described(kind) else f" ({text})"
            found.append(f"{where}: {_show(data)} is not {_expected(kind)}{detail}")
        return None


def _inside(data: object, at: str) -> object:
    """The item of a list that the mistake is about."""
    index = re.match(r"\[([0-9]+)\]", at)
    return data[int(index[1])] if index and isinstance(data, list) else data


def _may_hold_secret(kind: Any) -> bool:  # noqa: ANN401  # a type expression
    return bool(kind == SecretRef) or any(map(_may_hold_secret, getattr(kind, "__args__", ())))


def _config_of(kind: Any) -> type[Config] | None:  # noqa: ANN401  # a type expression
    """The Config inside `Config` or `Config | None`, else None."""
    # A list or mapping of Configs is not one Config, though it has one as its argument.
    for option in get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,):
        if isinstance(option, type) and issubclass(option, Config):
            return option
    return None


_WORDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip


def _options(kind: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # a type expression
    """JSON Schemas of what may be written, null left out."""
    schema = msgspec.json.schema(kind, schema_hook=lambda _type: {"type": "object"})
    return [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]


def _is_described(kind: Any) -> bool:  # noqa: ANN401  # a type expression
    return all("description" in option or "enum" in option for option in _options(kind))


def _expected(kind: Any) -> str:  # noqa: ANN401  # a type expression
    texts = []
    for option in _options(kind):
        if "enum" in option:
            texts.append("one of " + ", ".join(map(str, option["enum"])))
        else:
            texts.append(option.get("description") or _WORDS.get(option.get("type", "object"), "a value"))
    return " or ".join(texts)


def _show(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _nearest(key: str, known: list[str]) -> str:
    match = difflib.get_close_matches(key, known, n=1)
    return f", did you mean {match[0]}?" if match else ""
