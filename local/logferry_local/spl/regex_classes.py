"""Which characters a step of a regular expression takes: letters, escapes, classes. \\d \\w \\s are ASCII."""

import re
import string
from collections.abc import Callable

__all__ = ["Test", "escape", "literal", "named", "one_of"]

Test = Callable[[str], bool]
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_NAMED = {"d": frozenset(string.digits), "w": _WORD, "s": frozenset("\t\n\f\r ")}
_POSIX = {
    "alpha": frozenset(string.ascii_letters), "digit": frozenset(string.digits), "word": _WORD,
    "alnum": frozenset(string.ascii_letters + string.digits), "lower": frozenset(string.ascii_lowercase),
    "upper": frozenset(string.ascii_uppercase), "space": frozenset(string.whitespace),
    "punct": frozenset(string.punctuation), "xdigit": frozenset(string.hexdigits),
}  # fmt: skip
_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


def literal(char: str, *, ignore_case: bool) -> Test:
    """That character."""
    if ignore_case and char.lower() != char.upper():
        low, high = char.lower(), char.upper()
        return lambda other: other in (char, low, high)
    return lambda other: other == char


def named(letter: str) -> Test:
    """\\d, \\w, \\s; in upper case the opposite."""
    chars = _NAMED[letter.lower()]
    return chars.__contains__ if letter.islower() else lambda other: other not in chars


def escape(pattern: str, at: int) -> tuple[str, int]:
    """The character that an escape stands for (`at` is behind the backslash), and where it ends; ValueError."""
    letter = pattern[at : at + 1]
    hexadecimal = _HEX.match(pattern, at)
    if hexadecimal:
        number = int(hexadecimal[1] or hexadecimal[2], 16)
        if number <= 0x10FFFF:
            return chr(number), hexadecimal.end()
    if letter in _CONTROLS:
        return _CONTROLS[letter], at + 1
    if not letter or (letter.isascii() and letter.isalnum()):
        raise ValueError(f"a regular expression (RE2); \\{letter} at character {at} is not served")
    return letter, at + 1


def one_of(pattern: str, at: int, ignore_case: bool) -> tuple[Test, int]:  # noqa: FBT001  # one call
    """A class in brackets, and where it ends; ValueError."""
    at += 1
    negated = pattern.startswith("^", at)
    at += negated
    tests: list[Test] = []
    first = at
    while not pattern.startswith("]", at) or at == first:
        if at >= len(pattern):
            raise ValueError("a regular expression (RE2); missing ]")
        test, at = _member(pattern, at, ignore_case)
        tests.append(test)
    if negated:
        return (lambda char: not any(test(char) for test in tests)), at + 1
    return (lambda char: any(test(char) for test in tests)), at + 1


def _member(pattern: str, at: int, ignore_case: bool) -> tuple[Test, int]:  # noqa: FBT001  # one call
    posix = _CLASS.match(pattern, at)
    if posix:
        if posix[2] not in _POSIX:
            raise ValueError(f"a regular expression (RE2); there is no class [:{posix[2]}:]")
        chars = _POSIX[posix[2]]
        return (lambda char: char not in chars) if posix[1] else chars.__contains__, posix.end()
    if pattern[at] == "\\" and pattern[at + 1 : at + 2] in tuple("dDwWsS"):
        return named(pattern[at + 1]), at + 2
    low, at = _character(pattern, at)
    if not pattern.startswith("-", at) or pattern[at + 1 : at + 2] in ("]", ""):
        return literal(low, ignore_case=ignore_case), at
    high, at = _character(pattern, at + 1)
    if low > high:
        raise ValueError(f"a regular expression (RE2); the range {low}-{high} runs backwards")
    if ignore_case:
        return lambda char: low <= char <= high or low <= char.lower() <= high or low <= char.upper() <= high, at
    return lambda char: low <= char <= high, at


def _character(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        return escape(pattern, at + 1)
    return pattern[at], at + 1
