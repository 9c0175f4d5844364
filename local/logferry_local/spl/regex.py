"""Regular expressions of a query, in time linear in the text whatever the pattern is (as RE2, which the service uses).

A pattern becomes a small program (`regex_syntax`) that is run over the text with all its possible places at once. How
a set of places goes on at a character is remembered, so that a plain match costs a look-up a character.
"""

from functools import lru_cache
from typing import NamedTuple

from logferry_local.spl.regex_syntax import (
    ASSERT,
    CHAR,
    JUMP,
    MATCH,
    MAX_GROUPS,
    SAVE,
    SPLIT,
    Program,
    holds,
    translate,
)

__all__ = ["MAX_GROUPS", "Regex", "compiled"]

_REMEMBERED = 50_000  # places, of all steps of a pattern
_Slots = tuple[int, ...]
_EDGE = ""  # beside the text there is no character
_From = tuple[frozenset[int], str, str]  # places, the character before, the character
_To = tuple[frozenset[int], bool]  # places, whether it is done


class _Thread(NamedTuple):
    at: int  # place in the program
    slots: _Slots  # where the groups began and ended


@lru_cache(maxsize=32)
def compiled(pattern: str) -> "Regex":
    """The pattern, ready; ValueError says what is wrong with it."""
    return Regex(translate(pattern))


class Regex:
    """One pattern."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._steps: dict[_From, _To] = {}
        self._size = 0

    def search(self, text: str) -> bool:
        """Whether it matches somewhere."""
        places: frozenset[int] = frozenset()
        before = _EDGE
        for char in (*text, _EDGE):
            key = (places, before, char)
            known = self._steps.get(key)
            if known is None:
                known = self._step(places, before, char)
                self._remember(key, known)
            places, matched = known
            if matched:
                return True
            before = char
        return False

    def extract(self, text: str, group: int) -> str | None:
        """What the group holds in the leftmost match; None without a match or without that group."""
        if group > self._program.groups or not self.search(text):
            return None
        slots = self._first(text)
        begin, end = slots[2 * group : 2 * group + 2]
        return None if begin < 0 or end < 0 else text[begin:end]

    def _remember(self, key: _From, known: _To) -> None:
        self._size += len(known[0]) + 1
        if self._size > _REMEMBERED:
            self._steps.clear()
            self._size = len(known[0]) + 1
        self._steps[key] = known

    def _step(self, places: frozenset[int], before: str, char: str) -> _To:
        """From all places, and from the start anew: where it is after this character, and whether it is done."""
        reached: set[int] = set()
        self._follow([*places, 0], before, char, reached)
        code = self._program.code
        if any(code[at].kind == MATCH for at in reached):
            return frozenset(), True
        return frozenset(at + 1 for at in reached if code[at].kind == CHAR and char and code[at].test(char)), False

    def _follow(self, starts: list[int], before: str, after: str, reached: set[int]) -> None:
        """All places that are reached from these without a character."""
        left = list(starts)
        code = self._program.code
        while left:
            at = left.pop()
            if at in reached:
                continue
            reached.add(at)
            one = code[at]
            if one.kind == JUMP:
                left.append(one.first)
            elif one.kind == SPLIT:
                left += (one.first, one.second)
            elif one.kind == SAVE or (one.kind == ASSERT and holds(one.name, before, after)):
                left.append(at + 1)

    def _first(self, text: str) -> _Slots:
        """The groups of the leftmost match, by the order of the alternatives; there is one."""
        code, found = self._program.code, None
        threads: list[_Thread] = []
        empty = (-1,) * (2 * self._program.groups + 2)
        before = _EDGE
        for place, char in enumerate((*text, _EDGE)):
            if found is None:
                threads.append(_Thread(0, empty))
            following: list[_Thread] = []
            for thread in self._closure(threads, place, before, char):
                kind = code[thread.at].kind
                if kind == MATCH:
                    found = thread.slots
                    break  # what comes after has less right
                if kind == CHAR and char and code[thread.at].test(char):
                    following.append(_Thread(thread.at + 1, thread.slots))
            if found is not None and not following:
                return found
            threads, before = following, char
        return found or empty

    def _closure(self, threads: list[_Thread], place: int, before: str, after: str) -> list[_Thread]:
        """As `_follow`, in the order of preference and with the groups."""
        left, seen, found = threads[::-1], set(), []
        code = self._program.code
        while left:
            thread = left.pop()
            if thread.at in seen:
                continue
            seen.add(thread.at)
            one = code[thread.at]
            if one.kind == JUMP:
                left.append(_Thread(one.first, thread.slots))
            elif one.kind == SPLIT:
                left += (_Thread(one.second, thread.slots), _Thread(one.first, thread.slots))
            elif one.kind == SAVE:
                slots = (*thread.slots[: one.first], place, *thread.slots[one.first + 1 :])
                left.append(_Thread(thread.at + 1, slots))
            elif one.kind == ASSERT:
                left += [_Thread(thread.at + 1, thread.slots)] * holds(one.name, before, after)
            else:
                found.append(thread)
        return found
