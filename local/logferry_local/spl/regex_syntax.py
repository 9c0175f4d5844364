"""RE2's syntax, the part that has a meaning for logs, to a program of steps.

Served: literals, `.`, classes with ranges and [:names:], \\d \\w \\s \\b \\A \\z and their opposites, groups (also
named and (?:...)), `|`, `* + ? {m,n}` greedy and lazy, `^ $`, leading flags (?ims). Not: back-references and
look-around, which RE2 does not have; \\p; flags within. A program has 2,000 steps and 20 groups at most.
"""

import re
from typing import NamedTuple, NoReturn

from logferry_local.spl.regex_classes import Test, escape, literal, named, one_of

__all__ = ["ASSERT", "CHAR", "JUMP", "MATCH", "MAX_GROUPS", "SAVE", "SPLIT", "Program", "Step", "holds", "translate"]

CHAR, SPLIT, JUMP, SAVE, ASSERT, MATCH = range(6)
MAX_GROUPS = 20
_MAX_STEPS = 2_000
_MAX_NESTED = 40
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_OPEN = re.compile(r"\((?:\?(?::|P?<[A-Za-z_][A-Za-z0-9_]*>))?")
_EDGES = {"A": "begin", "z": "end", "b": "word", "B": "no word"}
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Step(NamedTuple):
    """One step; what it uses depends on its kind."""

    kind: int
    test: Test = lambda _char: False
    first: int = 0
    second: int = 0
    name: str = ""


class Program(NamedTuple):
    """A pattern's steps; group 0 is the whole match."""

    code: list[Step]
    groups: int


def holds(name: str, before: str, after: str) -> bool:
    """Whether a place between two characters ("" beside the text) is of this kind."""
    if name in ("word", "no word"):
        return ((before in _WORD) != (after in _WORD)) == (name == "word")
    if name in ("begin", "begin of line"):
        return not before or (name == "begin of line" and before == "\n")
    return not after or (name == "end of line" and after == "\n")


def translate(pattern: str) -> Program:
    """The program; ValueError says what cannot be."""
    flags = _FLAGS.match(pattern)
    parser = _Parser(pattern, flags[1] if flags else "", flags.end() if flags else 0)
    code = [Step(SAVE, first=0), *parser.alternatives(0), Step(SAVE, first=1), Step(MATCH)]
    if parser.at < len(pattern):
        parser.wrong("unmatched )")
    return Program(_absolute(code), parser.groups)


def _absolute(code: list[Step]) -> list[Step]:
    """Jumps are relative while pieces are put together."""
    return [
        step._replace(first=at + step.first, second=at + step.second) if step.kind in (SPLIT, JUMP) else step
        for at, step in enumerate(code)
    ]


class _Parser:
    def __init__(self, pattern: str, flags: str, at: int) -> None:
        self._pattern, self._flags, self.at = pattern, flags, at
        self.groups = 0

    def wrong(self, what: str) -> NoReturn:
        """Raise ValueError with the place."""
        raise ValueError(f"a regular expression (RE2); at character {self.at + 1}: {what}")

    def alternatives(self, nested: int) -> list[Step]:
        """All up to the closing parenthesis or the end."""
        if nested > _MAX_NESTED:
            self.wrong(f"groups are nested more than {_MAX_NESTED} deep")
        code = self._sequence(nested)
        while self._skip("|"):
            other = self._sequence(nested)
            code = [Step(SPLIT, first=1, second=len(code) + 2), *code, Step(JUMP, first=len(other) + 1), *other]
        return self._bounded(code)

    def _sequence(self, nested: int) -> list[Step]:
        code: list[Step] = []
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            code += self._repeated(nested)
        return code

    def _repeated(self, nested: int) -> list[Step]:
        code = self._atom(nested)
        repeats = 0
        while self.at < len(self._pattern) and (
            self._pattern[self.at] in "*+?" or _COUNT.match(self._pattern, self.at)
        ):
            repeats += 1
            if repeats > 1:
                self.wrong("two repetitions in a row")
            fewest, most = self._count()
            code = self._bounded(_repeat(code, fewest, most, lazy=self._skip("?")))
        return code

    def _count(self) -> tuple[int, int | None]:
        match = _COUNT.match(self._pattern, self.at)
        if match is None:
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._pattern[self.at - 1]]
        fewest = int(match[1])
        most = (int(match[3]) if match[3] else None) if match[2] else fewest
        if fewest > 1000 or (most is not None and not fewest <= most <= 1000):
            self.wrong("a repetition is not {m,n} with m <= n <= 1000")
        self.at = match.end()
        return fewest, most

    def _atom(self, nested: int) -> list[Step]:
        char = self._pattern[self.at]
        if char == "(":
            return self._group(nested)
        if char == "[":
            test, self.at = one_of(self._pattern, self.at, self._ignores_case)
            return [Step(CHAR, test)]
        self.at += 1
        if char in "^$":
            return [Step(ASSERT, name=("begin" if char == "^" else "end") + " of line" * ("m" in self._flags))]
        if char == ".":
            return [Step(CHAR, _any if "s" in self._flags else _any_but_newline)]
        if char in "*+?":
            self.wrong(f"nothing before {char} to repeat")
        return self._escaped() if char == "\\" else [Step(CHAR, literal(char, ignore_case=self._ignores_case))]

    def _escaped(self) -> list[Step]:
        letter = self._pattern[self.at : self.at + 1]
        if letter and letter in _EDGES:
            self.at += 1
            return [Step(ASSERT, name=_EDGES[letter])]
        if letter and letter in "dDwWsS":
            self.at += 1
            return [Step(CHAR, named(letter))]
        char, self.at = escape(self._pattern, self.at)
        return [Step(CHAR, literal(char, ignore_case=self._ignores_case))]

    def _group(self, nested: int) -> list[Step]:
        match = _OPEN.match(self._pattern, self.at)
        if match is None or (match[0] == "(" and self._pattern.startswith("?", match.end())):
            self.wrong("(?...) of a kind that is not served")
        self.at = match.end()
        number = 0
        if match[0] != "(?:":
            self.groups += 1
            number = self.groups
            if number > MAX_GROUPS:
                self.wrong(f"more than {MAX_GROUPS} groups")
        code = self.alternatives(nested + 1)
        if not self._skip(")"):
            self.wrong("missing )")
        return [Step(SAVE, first=2 * number), *code, Step(SAVE, first=2 * number + 1)] if number else code

    def _skip(self, char: str) -> bool:
        found = self._pattern.startswith(char, self.at)
        self.at += found
        return found

    def _bounded(self, code: list[Step]) -> list[Step]:
        if len(code) > _MAX_STEPS:
            self.wrong("it is too large")
        return code

    @property
    def _ignores_case(self) -> bool:
        return "i" in self._flags


def _repeat(code: list[Step], fewest: int, most: int | None, *, lazy: bool) -> list[Step]:
    def split(first: int, second: int) -> Step:
        return Step(SPLIT, first=second, second=first) if lazy else Step(SPLIT, first=first, second=second)

    size = len(code)
    if (fewest + (most or fewest)) * size > 2 * _MAX_STEPS:
        return [Step(MATCH)] * (_MAX_STEPS + 1)  # the caller says that it is too large
    if most is None:
        loop = [split(1, size + 2), *code, Step(JUMP, first=-size - 1)]
        return code * fewest + loop
    optional: list[Step] = []
    for _ in range(most - fewest):
        optional = [split(1, size + 1 + len(optional)), *code, *optional]
    return code * fewest + optional


def _any(_char: str) -> bool:
    return True


def _any_but_newline(char: str) -> bool:
    return char != "\n"
