"""A query that is ready to run on logs, one after the other.

A log is its fields by name: texts (bytes that are not UTF-8 as lone surrogates), and the two times as whole numbers.
`where` leaves out what is not true. A value that cannot be computed (`cast` of a word, a division by zero) counts as
null and marks the log as failed: a `where` leaves it out, an `extend` goes on without the field.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from logferry_local.spl.errors import Failed, SplError
from logferry_local.spl.evaluation import Compiled, compiled, truth
from logferry_local.spl.instructions import parse
from logferry_local.spl.syntax import TIMES, Expression, Extend, Instruction, Project, ProjectAway, Value, Where

__all__ = ["MAX_BYTES", "Program", "Row", "compile_query"]

MAX_BYTES = 10 << 10
_UNSIGNED = 1 << 32
_BILLION = 1_000_000_000


class Row:
    """One log on its way through the instructions; `fields` is changed in place."""

    __slots__ = ("failed", "fields")

    def __init__(self, fields: dict[str, Value]) -> None:
        self.fields = fields
        self.failed = False


Step = Callable[[Row], bool]  # whether the log goes on


class Program(NamedTuple):
    """All steps of a query."""

    steps: Sequence[Step]
    filters: bool  # only leaves logs out, and changes none

    def run(self, row: Row) -> bool:
        """Whether the log stays; it has been changed as the query says."""
        return all(step(row) for step in self.steps)


@lru_cache(maxsize=64)
def compile_query(text: str) -> Program:
    """The query, ready; SplError says where it is wrong and what was expected."""
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise SplError(f"the query has {size} bytes, at most {MAX_BYTES}")
    instructions = parse(text)
    return Program([_step(one) for one in instructions], all(isinstance(one, Where) for one in instructions))


def _step(instruction: Instruction) -> Step:
    if isinstance(instruction, Where):
        return _where(compiled(instruction.test))
    if isinstance(instruction, Extend):
        return _extend(instruction.fields)
    if isinstance(instruction, Project):
        return _project(instruction)
    if isinstance(instruction, ProjectAway):
        return _project_away(instruction)
    return _rename(instruction.names)


def _where(test: Compiled) -> Step:
    def where(row: Row) -> bool:
        try:
            return truth(test(row.fields)) is True
        except Failed:
            row.failed = True
            return False

    return where


def _extend(fields: Iterable[tuple[str, Expression]]) -> Step:
    ready = [(name, compiled(expression)) for name, expression in fields]

    def extend(row: Row) -> bool:
        for name, work in ready:
            try:
                value = work(row.fields)
                if name in TIMES:
                    _check_time(name, value)
            except Failed:
                row.failed = True
                value = row.fields.get(name) if name in TIMES else None
            if value is None:
                row.fields.pop(name, None)
            else:
                row.fields[name] = value
        return True

    return extend


def _check_time(name: str, value: Value) -> None:
    most = _UNSIGNED if name == TIMES[0] else _BILLION
    if type(value) is not int or not 0 <= value < most:
        raise Failed(f"{name} is a whole number below {most}")


def _project(instruction: Project) -> Step:
    keep = _matching((*TIMES, *instruction.keep))

    def project(row: Row) -> bool:
        old = row.fields
        row.fields = {name: value for name, value in old.items() if keep(name)}
        row.fields.update((new, old[source]) for new, source in instruction.names if source in old)
        return True

    return project


def _project_away(instruction: ProjectAway) -> Step:
    drop = _matching(instruction.drop)

    def project_away(row: Row) -> bool:
        row.fields = {name: value for name, value in row.fields.items() if name in TIMES or not drop(name)}
        return True

    return project_away


def _rename(names: Sequence[tuple[str, str]]) -> Step:
    def rename(row: Row) -> bool:
        for new, old in names:
            if old in row.fields:
                row.fields[new] = row.fields.pop(old)
        return True

    return rename


def _matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name is one of them; `*` stands for anything, `**` for a star."""
    plain = frozenset(pattern.replace("**", "*") for pattern in patterns if "*" not in pattern.replace("**", ""))
    wild = [_wild(pattern) for pattern in patterns if "*" in pattern.replace("**", "")]
    return lambda name: name in plain or any(pattern(name) for pattern in wild)


def _wild(pattern: str) -> Callable[[str], bool]:
    first, *middle, last = pattern.split("*")

    def matches(name: str) -> bool:
        if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
            return False
        at = len(first)
        for piece in middle:
            found = name.find(piece, at, len(name) - len(last))
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches
