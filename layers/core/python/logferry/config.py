"""Typed documents from outside: check everything, list every mistake with its path, then build.

A document's shape is a `Config` (a frozen `msgspec.Struct` that refuses unknown keys). Types and
`msgspec.Meta` constraints do most of the checking; what needs several fields at once goes into
`problems()`. The JSON Schema comes from the same classes.
"""

import math
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from logferry.errors import ConfigError
from logferry.expectations import expected, kind_of, patterns, show, unmet
from logferry.likeness import nearest

__all__ = ["Config", "Duration", "Port", "SecretRef", "load", "seconds"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="between 1 and 65535")]
# `$` alone would let a line break through after the last letter.
SecretRef = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^secret://[a-z]+/.+$(?!\n)",
        description="secret://env/NAME, secret://file/PATH, secret://aws/… or secret://kms/NAME",
    ),
]
Duration = Annotated[
    str,
    msgspec.Meta(
        # Up to 30 years in seconds or 270 in days: what a timer of the system can still count.
        pattern=r"^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s)|[0-9]{1,5}(\.[0-9]{1,9})?(m|h|d))$(?!\n)",
        description="a number and ms, s, m, h or d, such as 5m",
    ),
]

_MISTAKES = 20  # of one list or mapping; more are not told one by one
_ROWS = (list, tuple, set, frozenset)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mapping of a document. Subclasses add fields, and `problems` for what types cannot say."""

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """Mistakes of one field by itself, each as `field: what, expected`; told even when others are wrong."""
        del name, value
        return []

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
    try:
        value = _check(shape, data, path, found)
    except RecursionError:
        raise ConfigError([f"{path or 'document'}: is nested too deeply"], subject=subject) from None
    if value is None or found:
        raise ConfigError(found, subject=subject)
    return value


def _check(shape: type[C], data: object, path: str, found: list[str]) -> C | None:
    if not isinstance(data, Mapping):
        names = ", ".join(shape.__struct_encode_fields__)
        found.append(f"{path or 'document'}: {kind_of(data)} is not a mapping of {names}")
        return None
    before = len(found)
    own: list[str] = []  # what the shape itself says about values of the right type
    values: dict[str, Any] = {}
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    unknown = [key for key in data if key not in known]
    found.extend(
        f"{_join(path, key)}: unknown key{nearest(str(key), list(known))}; known: {', '.join(known)}"
        for key in unknown[:_MISTAKES]
    )
    if len(unknown) > _MISTAKES:
        found.append(f"{path or 'document'}: {len(unknown)} unknown keys")
    for name, field in known.items():
        if name in data:
            sound = len(found)
            values[field.name] = _value(field.type, data[name], _join(path, name), found)
            if len(found) == sound:
                own.extend(shape.field_problems(field.name, values[field.name]))
        elif field.required:
            found.append(f"{_join(path, name)}: is missing, {expected(field.type)} is required")
    made = shape(**values) if len(found) == before else None
    own.extend(made.problems() if made is not None else ())
    found.extend(f"{path}.{problem}" if path else problem for problem in own)
    return made


def _value(kind: Any, data: object, path: str, found: list[str]) -> object:  # noqa: ANN401  # a type expression
    """The value as its type has it; None, and the mistakes added to `found`, if it does not fit."""
    before = len(found)
    option = _option(kind, data)
    if isinstance(option, type) and issubclass(option, Config):
        return _check(option, data, path, found)
    if isinstance(data, list | tuple) and get_origin(option) in _ROWS:
        kinds, places = _item_kinds(option, len(data)), (f"{path}[{index}]" for index in range(len(data)))
        data = _values(zip(kinds, data, places, strict=False), found)
    elif isinstance(data, Mapping) and get_origin(option) is dict:
        items = ((get_args(option)[1], item, _join(path, key)) for key, item in data.items())
        data = dict(zip(data, _values(items, found), strict=False))
    if len(found) > before:
        return None
    try:
        value = msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError:
        found.append(_mistake(kind, data, path))
        return None
    if _is_endless(value) or _ends_in_newline(kind, value):
        found.append(_mistake(kind, data, path))
        return None
    return value


def _values(items: Iterable[tuple[Any, object, str]], found: list[str]) -> list[object]:
    """Each item as its type has it, until there are too many mistakes to tell."""
    before = len(found)
    values = []
    for kind, item, path in items:
        values.append(_value(kind, item, path, found))
        if len(found) - before >= _MISTAKES:
            found.append(f"{path}: the rest was not looked at")
            break
    return values


def _mistake(kind: Any, data: object, path: str) -> str:  # noqa: ANN401  # a type expression
    if _may_hold_secret(kind):
        return f"{path}: is not a reference to a secret (not shown): put it elsewhere, write {expected(kind)}"
    if _is_hidden(kind):
        return f"{path}: its value (not shown) is not {expected(kind)}"
    return f"{path}: {show(data)} is not {unmet(kind, data)}"


def _may_hold_secret(kind: Any) -> bool:  # noqa: ANN401  # a type expression
    return bool(kind == SecretRef) or any(map(_may_hold_secret, getattr(kind, "__args__", ())))


def _is_hidden(kind: Any) -> bool:  # noqa: ANN401  # a type expression
    """Whether `Meta(extra={"hidden": True})` says of it, or of what is in it, that people put credentials there."""
    metas = getattr(kind, "__metadata__", ())
    return any((meta.extra or {}).get("hidden") for meta in metas if isinstance(meta, msgspec.Meta)) or any(
        map(_is_hidden, getattr(kind, "__args__", ()))
    )


def _option(kind: Any, data: object) -> Any:  # noqa: ANN401  # a type expression
    """Of the types that may stand here, the one whose items are looked at one by one; None if there is none."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    bare = [get_args(option)[0] if get_origin(option) is Annotated else option for option in options]
    bare = [option for option in bare if option is not type(None)]
    for option in bare:
        origin = get_origin(option)
        if origin is dict and isinstance(data, Mapping):
            return option
        if origin in _ROWS and isinstance(data, list | tuple):
            return option
        if isinstance(option, type) and issubclass(option, Config):
            # Where a mapping is all that fits, `_check` says best what should have been there.
            is_alone = len(bare) == 1 and not (data is None and len(options) > 1)
            if is_alone or isinstance(data, Mapping):
                return option
    return None


def _item_kinds(kind: Any, length: int) -> list[Any]:  # noqa: ANN401  # a type expression
    kinds = get_args(kind)
    if get_origin(kind) is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis):
        return list(kinds) + [Any] * (length - len(kinds))
    return [kinds[0]] * length


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _ends_in_newline(kind: Any, value: object) -> bool:  # noqa: ANN401  # a type expression
    """A pattern's `$` would let one line break through: into a host name, a header, a path."""
    return isinstance(value, str) and value.endswith("\n") and any(text.endswith("$") for text in patterns(kind))


def _join(path: str, key: object) -> str:
    text = str(key)
    name = text if len(text) <= 60 and text.isprintable() else show(key)
    return f"{path}.{name}" if path else name
