"""A task's filter: conditions under `all`, `any` and `not`, compiled to closures.

    {all: [{field: status, op: geq, value: 400}, {not: {field: host, op: eq, value: a.example}}]}

An operator is the file of its name in `stages/operators` (camelCase in the configuration, snake_case as a file);
a leading `!` negates it. A condition on an absent field is false, its negation true.
"""

import re
from collections.abc import Callable, Mapping
from typing import cast

from logferry import registry
from logferry.errors import ConfigError
from logferry.model import Value

__all__ = ["MAX_CONDITIONS", "compile_filter", "operator_names"]

Test = Callable[[Mapping[str, Value]], bool]
MAX_CONDITIONS = 20
_ROOM = "stages.operators"


def operator_names() -> list[str]:
    """All operators as they are written in a task; each may be negated with `!`."""
    return [re.sub(r"_([a-z])", lambda m: m[1].upper(), name.rstrip("_")) for name in registry.names(_ROOM)]


def compile_filter(data: object, path: str = "filter") -> tuple[tuple[str, ...], Test]:
    """(keys it reads, test); ConfigError with every mistake's path."""
    problems: list[str] = []
    needs: dict[str, None] = {}
    test = _compile(data, path, needs, problems)
    if needs and _conditions(data) > MAX_CONDITIONS:
        problems.append(f"{path}: {_conditions(data)} conditions, at most {MAX_CONDITIONS} are allowed")
    if problems:
        raise ConfigError(problems, subject="filter")
    return tuple(needs), test


def _conditions(data: object) -> int:
    if isinstance(data, list):
        return sum(map(_conditions, data))
    if not isinstance(data, dict):
        return 0
    return int("field" in data) + sum(_conditions(data[key]) for key in ("all", "any", "not") if key in data)


def _compile(data: object, path: str, needs: dict[str, None], problems: list[str]) -> Test:
    if not isinstance(data, dict):
        problems.append(f"{path}: {data!r} is not a condition {{field, op, value}} or a group {{all | any | not}}")
        return _never
    keys = set(data)
    if keys in ({"all"}, {"any"}):
        return _group(next(iter(keys)), data, path, needs, problems)
    if keys == {"not"}:
        inner = _compile(data["not"], f"{path}.not", needs, problems)
        return lambda fields: not inner(fields)
    return _condition(data, path, needs, problems)


def _group(kind: str, data: dict[str, object], path: str, needs: dict[str, None], problems: list[str]) -> Test:
    members = data[kind]
    if not isinstance(members, list) or not members:
        problems.append(f"{path}.{kind}: {members!r} is not a list of one or more conditions")
        return _never
    tests = [_compile(member, f"{path}.{kind}[{i}]", needs, problems) for i, member in enumerate(members)]
    if len(tests) == 1:
        return tests[0]
    if kind == "all":
        return lambda fields: all(test(fields) for test in tests)
    return lambda fields: any(test(fields) for test in tests)


def _condition(data: dict[str, object], path: str, needs: dict[str, None], problems: list[str]) -> Test:
    unknown = set(data) - {"field", "op", "value"}
    if unknown:
        problems.append(f"{path}: unknown key {', '.join(sorted(map(str, unknown)))}; a condition has field, op, value")
    field, op = data.get("field"), data.get("op")
    if not isinstance(field, str) or not field:
        problems.append(f"{path}.field: {field!r} is not the name of a field")
    if not isinstance(op, str) or op.removeprefix("!") not in operator_names():
        problems.append(f"{path}.op: {op!r} is not one of {', '.join(operator_names())}, each also with a leading !")
        return _never
    wanted = data.get("value")
    judge = _operator(op.removeprefix("!"), wanted, f"{path}.value", problems)
    name = str(field)
    needs[name] = None
    if op.startswith("!"):
        return lambda fields: not (name in fields and judge(fields[name]))
    return lambda fields: name in fields and judge(fields[name])


def _operator(op: str, wanted: object, path: str, problems: list[str]) -> Callable[[Value], bool]:
    file = re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), op)
    names = registry.names(_ROOM)
    module = registry.find(_ROOM, file if file in names else file + "_")
    try:
        return cast("Callable[[Value], bool]", module.judge(wanted))
    except ValueError as error:
        problems.append(f"{path}: {wanted!r} {error}")
        return lambda _value: False


def _never(_fields: Mapping[str, Value]) -> bool:
    return False
