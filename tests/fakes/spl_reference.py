"""SPL expressions evaluated the obvious, slow way: the tree is walked anew for every log, nothing is prepared."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from logferry_local.spl.syntax import Expression, Field, Literal, Value

__all__ = ["reference"]


def reference(node: Expression, fields: Mapping[str, Value]) -> Value:
    """What an expression comes to."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Field):
        return fields.get(node.name)
    return call(node.name, [reference(one, fields) for one in node.arguments])


def call(name: str, values: Sequence[Value]) -> Value:
    """One operator or function, in the words of the standard."""
    if name in ("and", "or"):
        return joined([as_truth(one) for one in values], decisive=name == "or")
    if name == "in":
        return joined([compare("=", values[0], one) for one in values[1:]], decisive=True)
    if name == "not":
        return None if as_truth(values[0]) is None else not as_truth(values[0])
    if name == "is null":
        return values[0] is None
    if name == "coalesce":
        return next((one for one in values if one is not None), None)
    return None if None in values else strict(name, values)


def strict(name: str, values: Sequence[Value]) -> Value:
    """Of values that are all there."""
    if name == "like":
        pattern = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in str(values[1]))
        return re.fullmatch(pattern, as_text(values[0]), re.DOTALL) is not None
    if name == "concat":
        return "".join(map(as_text, values))
    if name in ("lower", "length"):
        return as_text(values[0]).lower() if name == "lower" else len(as_text(values[0]))
    return compare(name, values[0], values[1])


def joined(truths: Sequence[bool | None], *, decisive: bool) -> bool | None:
    """One decisive value decides; else one null makes it null."""
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def compare(symbol: str, left: Value, right: Value) -> bool | None:
    """Texts as texts, truth as truth, all else as numbers."""
    pair: tuple[str | bool | Decimal | None, ...] = (as_number(left), as_number(right))
    if isinstance(left, bool) or isinstance(right, bool):
        pair = (as_truth(left), as_truth(right))
    elif isinstance(left, str) and isinstance(right, str):
        pair = (left, right)
    if None in pair:
        return None
    less, same = bool(pair[0] < pair[1]), pair[0] == pair[1]  # type: ignore[operator]  # two of one kind
    return {"=": same, "<>": not same, "<": less, "<=": less or same, ">": not less and not same, ">=": not less}[
        symbol
    ]


def as_truth(one: Value) -> bool | None:
    """True and false, also as words."""
    if isinstance(one, str):
        return {"true": True, "false": False}.get(one.strip().lower())
    return one if isinstance(one, bool) else None


def as_number(one: Value) -> Decimal | None:
    """What it spells."""
    try:
        return None if one is None or isinstance(one, bool) else Decimal(as_text(one).strip())
    except InvalidOperation:
        return None


def as_text(one: Value) -> str:
    """As varchar."""
    return str(one).lower() if isinstance(one, bool) else str(one)
