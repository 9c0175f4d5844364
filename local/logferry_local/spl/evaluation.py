"""Expressions as closures over one log's fields. A value that cannot be computed raises Failed.

Truth has three values: null is neither true nor false. `and`, `or`, `if`, `case` and `coalesce` look no further than
they must.
"""

from collections.abc import Callable, Mapping, Sequence

from logferry_local.spl.errors import Failed
from logferry_local.spl.functions import FUNCTIONS
from logferry_local.spl.like import matcher
from logferry_local.spl.scalars import ARITHMETIC, COMPARISONS, cast, equal, text
from logferry_local.spl.syntax import Call, Expression, Field, Literal, Value

__all__ = ["Compiled", "compiled", "truth"]

Compiled = Callable[[Mapping[str, Value]], Value]


def compiled(expression: Expression) -> Compiled:
    """The expression, ready for many logs."""
    if isinstance(expression, Literal):
        value = expression.value
        return lambda _fields: value
    if isinstance(expression, Field):
        name = expression.name
        return lambda fields: fields.get(name)
    return _call(expression)


def truth(value: Value) -> bool | None:
    """What a value is worth as a condition: a text says true or false, anything else but truth is null."""
    return value if isinstance(value, bool) else equal(value, True)  # noqa: FBT003  # the value


def _call(call: Call) -> Compiled:
    arguments = [compiled(argument) for argument in call.arguments]
    word, _, kind = call.name.partition(" ")
    if word in ("cast", "try_cast"):
        return _cast(arguments[0], kind, forgiving=word == "try_cast")
    if call.name == "like":
        return _like(call, arguments[0])
    if call.name == "in" and all(isinstance(one, Literal) and isinstance(one.value, str) for one in call.arguments[1:]):
        return _in_texts(call, arguments[0])
    if call.name in _SPECIAL:
        return _SPECIAL[call.name](arguments)
    two = COMPARISONS.get(call.name) or ARITHMETIC.get(call.name)
    return _of_two(two, arguments) if two else _strict(FUNCTIONS[call.name], arguments)


def _of_two(work: Callable[[Value, Value], Value], arguments: Sequence[Compiled]) -> Compiled:
    left, right = arguments
    return lambda fields: work(left(fields), right(fields))


def _strict(work: Callable[..., Value], arguments: Sequence[Compiled]) -> Compiled:
    def strict(fields: Mapping[str, Value]) -> Value:
        values = [argument(fields) for argument in arguments]
        return None if None in values else work(*values)

    return strict


def _and(arguments: Sequence[Compiled]) -> Compiled:
    def joined(fields: Mapping[str, Value]) -> Value:
        found: bool | None = True
        for argument in arguments:
            value = truth(argument(fields))
            if value is False:
                return False
            found = found if value else None
        return found

    return joined


def _or(arguments: Sequence[Compiled]) -> Compiled:
    def joined(fields: Mapping[str, Value]) -> Value:
        found: bool | None = False
        for argument in arguments:
            value = truth(argument(fields))
            if value:
                return True
            found = None if value is None else found
        return found

    return joined


def _not(arguments: Sequence[Compiled]) -> Compiled:
    def negated(fields: Mapping[str, Value]) -> Value:
        value = truth(arguments[0](fields))
        return None if value is None else not value

    return negated


def _in(arguments: Sequence[Compiled]) -> Compiled:
    wanted, *members = arguments

    def within(fields: Mapping[str, Value]) -> Value:
        value = wanted(fields)
        found: bool | None = False
        for member in members:
            same = equal(value, member(fields))
            if same:
                return True
            found = None if same is None else found
        return found

    return within


def _in_texts(call: Call, wanted: Compiled) -> Compiled:
    """The usual case, as one look-up."""
    texts = frozenset(one.value for one in call.arguments[1:] if isinstance(one, Literal))
    slow = _in([wanted, *(compiled(one) for one in call.arguments[1:])])

    def within(fields: Mapping[str, Value]) -> Value:
        value = wanted(fields)
        return value in texts if isinstance(value, str) else slow(fields)

    return within


def _like(call: Call, wanted: Compiled) -> Compiled:
    pattern = call.arguments[1]
    matches = matcher(text(pattern.value)) if isinstance(pattern, Literal) else matcher("")

    def alike(fields: Mapping[str, Value]) -> Value:
        value = wanted(fields)
        return None if value is None else matches(text(value))

    return alike


def _cast(wanted: Compiled, kind: str, *, forgiving: bool) -> Compiled:
    def forgiven(fields: Mapping[str, Value]) -> Value:
        try:
            return cast(wanted(fields), kind)
        except Failed:
            return None

    return forgiven if forgiving else lambda fields: cast(wanted(fields), kind)


def _case(arguments: Sequence[Compiled]) -> Compiled:
    *pairs, otherwise = arguments
    branches = list(zip(pairs[::2], pairs[1::2], strict=True))

    def chosen(fields: Mapping[str, Value]) -> Value:
        return next((value for test, value in branches if truth(test(fields))), otherwise)(fields)

    return chosen


def _if(arguments: Sequence[Compiled]) -> Compiled:
    return _case([*arguments, compiled(Literal(None))][:3])


def _coalesce(arguments: Sequence[Compiled]) -> Compiled:
    def first(fields: Mapping[str, Value]) -> Value:
        return next((value for argument in arguments if (value := argument(fields)) is not None), None)

    return first


_SPECIAL: Mapping[str, Callable[[Sequence[Compiled]], Compiled]] = {
    "and": _and, "or": _or, "not": _not, "in": _in, "case": _case, "if": _if, "coalesce": _coalesce,
    "is null": lambda arguments: lambda fields: arguments[0](fields) is None,
}  # fmt: skip
