"""A task's filter: conditions under `all`, `any` and `not`, compiled to closures.

    {all: [{field: status, op: geq, value: 400}, {not: {field: host, op: eq, value: a.example}}]}

An operator is the file of its name in `stages/operators` (camelCase in the configuration, snake_case as a file);
a leading `!` negates it. A condition on an absent field is false, its negation true. With a category, names are
checked, values compare as the field's type has them, and `exists` takes a missing mark for absence.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import cast

from logferry import categories, registry
from logferry.categories import Category
from logferry.errors import ConfigError
from logferry.expectations import show
from logferry.model import Value
from logferry.stages import typed

__all__ = ["MAX_CONDITIONS", "MAX_DEPTH", "compile_filter", "operator_names"]

Test = Callable[[Mapping[str, Value]], bool]
Judge = Callable[[Value], bool]
MAX_CONDITIONS = 20
MAX_DEPTH = 16  # groups within groups
_ROOM = "stages.operators"
_GROUPS = ("all", "any", "not")
_KEYS = ("field", "op", "value")
_FORM = "a condition {field, op, value} or a group {all | any | not}"
_MISTAKES = 20  # more are not told one by one


def operator_names() -> list[str]:
    """All operators as they are written in a task; each may be negated with `!`."""
    return [re.sub(r"_([a-z])", lambda m: m[1].upper(), name.rstrip("_")) for name in registry.names(_ROOM)]


def compile_filter(
    data: object, path: str = "filter", *, category: Category | None = None, made: Collection[str] | None = None
) -> tuple[tuple[str, ...], Test]:
    """(keys it reads, test); ConfigError with every mistake's path.

    `made` are names that the task makes before the filter; without it, names are not compared with the category's.
    """
    compiler = _Compiler(category, made)
    test = compiler.compile(data, path, 0)
    if compiler.conditions > MAX_CONDITIONS:
        compiler.problems.append(f"{path}: more than {MAX_CONDITIONS} conditions, no more are allowed")
    if compiler.problems:
        raise ConfigError(compiler.problems, subject="filter")
    return tuple(compiler.needs), test


class _Compiler:
    """One walk through a filter: what it reads, how much there is, what is wrong."""

    def __init__(self, category: Category | None, made: Collection[str] | None) -> None:
        self.category = category
        self.made = made
        self.needs: dict[str, None] = {}  # a set that keeps the order
        self.conditions = 0
        self.problems: list[str] = []

    def compile(self, data: object, path: str, depth: int) -> Test:
        """The test; after a mistake one that is never true."""
        if self.conditions > MAX_CONDITIONS or len(self.problems) >= _MISTAKES:
            return _never
        if depth > MAX_DEPTH or not isinstance(data, Mapping):
            too_deep = f"lies under more than {MAX_DEPTH} groups"
            return self._wrong(f"{path}: " + (too_deep if depth > MAX_DEPTH else f"{show(data)} is not {_FORM}"))
        kinds = [kind for kind in _GROUPS if kind in data]
        if kinds and len(data) > 1:
            keys = ", ".join(key if key in (*_GROUPS, *_KEYS) else show(key) for key in data)
            return self._wrong(f"{path}: {keys} do not stand together; a group is all, any or not, alone")
        if not kinds:
            return self._condition(data, path)
        return self._group(kinds[0], data[kinds[0]], f"{path}.{kinds[0]}", depth)

    def _group(self, kind: str, members: object, path: str, depth: int) -> Test:
        if kind == "not":
            inner = self.compile(members, path, depth + 1)
            return lambda fields: not inner(fields)
        if not isinstance(members, list) or not members:
            return self._wrong(f"{path}: {show(members)} is not a list of one or more conditions")
        tests = [self.compile(member, f"{path}[{index}]", depth + 1) for index, member in enumerate(members)]
        if len(tests) == 1:
            return tests[0]
        if kind == "all":
            return lambda fields: all(test(fields) for test in tests)
        return lambda fields: any(test(fields) for test in tests)

    def _condition(self, data: Mapping[object, object], path: str) -> Test:
        self.conditions += 1
        unknown = ", ".join(sorted(show(key) for key in data if key not in _KEYS))
        if unknown:
            self._wrong(f"{path}: unknown key {unknown}; a condition has field, op, value")
        field, op = data.get("field"), data.get("op")
        if not isinstance(field, str) or not field:
            self._wrong(f"{path}.field: {show(field)} is not the name of a field")
        elif self.category is not None and self.made is not None:
            self.problems.extend(categories.check(self.category, [(f"{path}.field", field)], self.made))
        if not isinstance(op, str) or op.removeprefix("!") not in operator_names():
            return self._wrong(
                f"{path}.op: {show(op)} is not one of {', '.join(operator_names())}, each also with a leading !"
            )
        judge = self._judge(str(field), op.removeprefix("!"), data, path)
        name = str(field)
        self.needs[name] = None
        if op.startswith("!"):
            return lambda fields: not (name in fields and judge(fields[name]))
        return lambda fields: name in fields and judge(fields[name])

    def _judge(self, field: str, op: str, data: Mapping[object, object], path: str) -> Judge:
        """What the condition says of a value that is there, as the field's type has it."""
        wanted, category = data.get("value"), self.category
        kind = None if category is None else category.kind(field)
        if kind and op not in typed.OPERATORS[kind]:
            fitting = ", ".join(typed.OPERATORS[kind])
            self._wrong(f"{path}.op: {show(data.get('op'))} does not fit {field}, which is of type {kind}: {fitting}")
            return _not_judged
        try:
            judge = _operator(op)(typed.comparable(kind, op, wanted) if kind else wanted)
        except ValueError as error:
            what = show(data["value"]) if "value" in data else "nothing"
            why = f", {field} is of type {kind}" if kind not in (None, "string") and op != "exists" else ""
            self._wrong(f"{path}.value: {what} {error}{why}")
            return _not_judged
        if op == "exists" and category is not None and category.marks(field):
            marks = category.marks(field)
            return lambda value: not (isinstance(value, str | int) and value in marks)
        if kind == "timestamp" and op != "exists":
            return lambda value: judge(typed.moment(value))
        return judge

    def _wrong(self, problem: str) -> Test:
        self.problems.append(problem)
        return _never


def _operator(op: str) -> Callable[[object], Judge]:
    file = re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), op)
    # A Python keyword cannot be a module's name as it stands: `in` is in_.py.
    module = registry.find(_ROOM, file if file in registry.names(_ROOM) else file + "_")
    return cast("Callable[[object], Judge]", module.judge)


def _never(_fields: Mapping[str, Value]) -> bool:
    return False


def _not_judged(_value: Value) -> bool:
    return False
