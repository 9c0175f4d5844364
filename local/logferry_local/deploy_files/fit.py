"""Does a tree fit a typed model? Unknown and missing keys, types and ranges, each with its place and what to write."""

import difflib
import math
import re
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from logferry import expectations
from logferry.config import Config
from logferry_local.deploy_files.findings import HIDDEN, Notes, may_be_secret, shown
from logferry_local.deploy_files.nodes import Node, Unknown

__all__ = ["fit", "nearest"]

_DIGITS = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_DOUBTFUL = ("yes", "no", "on", "off", "y", "n")  # text to one reader of YAML, true or false to another


def fit(node: Node, kind: Any, notes: Notes) -> None:  # noqa: ANN401  # a type expression
    """Note where the tree does not fit. What is known only at deployment fits."""
    if isinstance(node.value, Unknown) or kind is Any:
        return
    bare, metas = _bare(kind)
    options = [_bare(option)[0] for option in get_args(bare)] if get_origin(bare) in (Union, UnionType) else [bare]
    if isinstance(node.value, dict):
        shape = next((option for option in options if isinstance(option, type) and issubclass(option, Config)), None)
        if shape is not None:
            _config(node, shape, notes)
            return
        option = next((option for option in options if get_origin(option) is dict), None)
        if option is not None:
            for item in node.value.values():
                fit(item, get_args(option)[1], notes)
            return
    if isinstance(node.value, list):
        rows = next((option for option in _options(kind) if get_origin(_bare(option)[0]) is list), None)
        if rows is not None:
            inner, metas = _bare(rows)
            for item in node.value:
                fit(item, get_args(inner)[0], notes)
            least, most = _length(metas)
            if not least <= len(node.value) <= most:
                notes.at(node, expected(rows), _entries(least, most), value=f"{len(node.value)} entries")
            return
    _leaf(node, kind, notes)


def expected(kind: Any) -> str:  # noqa: ANN401  # a type expression
    """What may be written, in words."""
    steps = {meta.multiple_of for option in _options(kind) for meta in _bare(option)[1] if meta.multiple_of}
    return expectations.expected(kind) + "".join(f", in steps of {step:g}" for step in steps)


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is probably meant; empty if none is near."""
    match = difflib.get_close_matches(name[:60], known, n=1) or [one for one in known if one.lower() == name.lower()]
    return match[0] if match else ""


def _config(node: Node, shape: type[Config], notes: Notes) -> None:
    items = node.value if isinstance(node.value, dict) else {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    meant = set[str]()  # missing keys whose misspelling is told already
    for name, item in items.items():
        if name in fields:
            fit(item, fields[name].type, notes)
            continue
        near = nearest(name, [one for one in fields if one not in items]) or nearest(name, list(fields))
        meant.add(near)
        fix = f"Write {near}." if near else "Take it out: nothing reads it."
        value = HIDDEN if isinstance(item.value, str | Unknown) else shown(item)
        notes.key(node, name, near or f"one of the keys {', '.join(fields)}", fix, value=value)
    while node.origin is not None:  # what is missing in a mapping that is merged into others is missing there
        node = node.origin
    for name, field in fields.items():
        if field.required and name not in items and name not in meant:
            what = expected(field.type)
            notes.add(node.line, node.column, (node.under(name), "missing"), what, f"Add {name}: {what}.")


def _leaf(node: Node, kind: Any, notes: Notes) -> None:  # noqa: ANN401  # a type expression
    value = node.value
    wanted = [_bare(option)[0] for option in _options(kind)]
    if value is None and type(None) in wanted:
        return
    if isinstance(value, bool) and node.is_plain and node.text.lower() in _DOUBTFUL:
        fix = f'Put it in quotes: "{node.text}".' if str in wanted else "Write true or false."
        notes.at(node, expected(kind), fix)
        return
    if (
        isinstance(value, int | float)
        and node.is_plain
        and not isinstance(value, bool)
        and not _DIGITS.fullmatch(node.text)
    ):
        notes.at(node, f"{expected(kind)}, in decimal digits", "Write it in decimal digits, or in quotes.")
        return
    sound = value if not isinstance(value, dict | list) else object()
    try:
        msgspec.convert(sound, kind, strict=True)
        fits = not isinstance(value, float) or math.isfinite(value)
    except (msgspec.ValidationError, OverflowError):
        fits = False
    if not fits:
        notes.at(node, expected(kind), _fix(node, kind, wanted))


def _fix(node: Node, kind: Any, wanted: Sequence[Any]) -> str:  # noqa: ANN401  # a type expression
    value = node.value
    fix = f"Write {expected(kind)}."
    numbers = [option for option in _options(kind) if _bare(option)[0] in (int, float)]
    choices = [str(choice) for option in _options(kind) for choice in _choices(option)]
    if value is None:
        fix = f"Write {expected(kind)}, or take the key out."
    elif str in wanted and isinstance(value, bool | int | float):
        fix = "Put it in quotes." if may_be_secret(node) else f'Put it in quotes: "{node.text}".'
    elif bool in wanted:
        fix = "Write true or false, without quotes."
    elif numbers and isinstance(value, int | float) and not isinstance(value, bool):
        fix = _number(value, numbers[0])
    elif numbers:
        fix = "Write a number, without quotes."
    elif choices and not isinstance(value, dict | list):
        near = nearest(node.text, choices)
        fix = f"Write {near}." if near else f"Write one of {', '.join(choices)}."
    return fix


def _number(value: float, kind: Any) -> str:  # noqa: ANN401  # a type expression
    """The nearest numbers that fit."""
    bare, metas = _bare(kind)
    least = max((meta.ge for meta in metas if meta.ge is not None), default=-math.inf)
    most = min((meta.le for meta in metas if meta.le is not None), default=math.inf)
    step = next((meta.multiple_of for meta in metas if meta.multiple_of), 1 if bare is int else None)
    if not math.isfinite(value):
        return f"Write {expected(kind)}."
    inside = min(max(value, least), most)
    if step is None or inside != value:
        return f"Write {inside:g}."
    low = math.floor(value / step) * step
    return f"Write {low} or {low + step}."


def _bare(kind: Any) -> tuple[Any, list[msgspec.Meta]]:  # noqa: ANN401  # a type expression
    """The type without its limits, and these."""
    if get_origin(kind) is Annotated:
        bare, *metas = get_args(kind)
        return bare, [meta for meta in metas if isinstance(meta, msgspec.Meta)]
    return kind, []


def _options(kind: Any) -> list[Any]:  # noqa: ANN401  # a type expression
    bare = _bare(kind)[0]
    return list(get_args(bare)) if get_origin(bare) in (Union, UnionType) else [kind]


def _choices(kind: Any) -> tuple[object, ...]:  # noqa: ANN401  # a type expression
    bare = _bare(kind)[0]
    return get_args(bare) if get_origin(bare) is Literal else ()


def _length(metas: Sequence[msgspec.Meta]) -> tuple[int, float]:
    least = max((meta.min_length for meta in metas if meta.min_length is not None), default=0)
    return least, min((meta.max_length for meta in metas if meta.max_length is not None), default=math.inf)


def _entries(least: int, most: float) -> str:
    return f"Write {least} to {most:g} entries." if math.isfinite(most) else f"Write at least {least}."
