"""Patterns of a query: as Python's own engine where both know the syntax, and never in more than linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry_local.spl.regex import compiled

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        ".",
        "[ab]",
        "[^a]",
        "[b-d]",
        r"\d",
        r"\w",
        r"\s",
        r"\.",
        "^",
        r"\b",
        r"\B",
        r"\A",
        "(a|b)",
        "(?:ab)",
    ]
)
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """A pattern that RE2 and Python read alike."""
    pieces = []
    for _ in range(draw(st.integers(1, 4))):
        atom = draw(ATOMS)
        edge = atom in ("^", r"\b", r"\B", r"\A")
        pieces.append(
            atom if edge else (f"({atom})" if len(atom) > 1 and draw(st.booleans()) else f"(?:{atom})") + draw(REPEATS)
        )
    flat = "".join(pieces)
    return f"{flat}|{draw(ATOMS)}" if draw(st.booleans()) else flat


@given(patterns(), st.text(alphabet="abcd 1.\né", min_size=1, max_size=12))
def test_agrees_with_the_standard_engine(pattern: str, text: str) -> None:
    """The same texts match, and each group holds the same (Python sees no \\B in an empty text, RE2 does)."""
    expected = re.compile(pattern, re.ASCII).search(text)
    assert compiled(pattern).search(text) == (expected is not None)
    for group in range((expected.re.groups if expected else 0) + 1):
        assert compiled(pattern).extract(text, group) == (expected[group] if expected else None)


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|a)*b", "a*a*a*a*a*b", "(a+)+$b", "(.*)(.*)(.*)x", "(?:a?){20}a{20}b"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    """Patterns that keep other engines busy for years are done in linear time."""
    started = time.process_time()
    assert not compiled(pattern).search("a" * 20_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"(?i)GeT", "get", "get"), ("(?s)a.b", "a\nb", "a\nb"), ("(?m)^b$", "a\nb\nc", "b"), ("b$", "b\n", None),
        ("[[:digit:]]+", "a42", "42"), ("[[:^digit:]]", "4x", "x"), (r"\x41\x{e9}", "Aé", "Aé"),
        (r"[\]\-a]+", "]-a", "]-a"),
        ("(?i)[a-c]+", "xBC", "BC"), (r"[\d.]+", "v1.25", "1.25"), ("a{,2}", "a{,2}", "a{,2}"), ("[]a]", "]", "]"),
    ],
)  # fmt: skip
def test_syntax_of_its_own(pattern: str, text: str, found: str | None) -> None:
    """Flags, named classes, escapes, and the end of the text that no newline stands before."""
    assert compiled(pattern).extract(text, 0) == found


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[a", "[z-a]", "*a", "a**", "a{3,2}", "a{2000}", r"\1", r"\pL", "(?=a)", "(?<!a)",
     "(a{1000}){1000}",
     "(?i:a)", "[[:nope:]]", "\\", "(" * 60 + ")" * 60, "()" * 30, "(?:" * 41 + ")" * 41],
)  # fmt: skip
def test_what_is_not_served_is_said(pattern: str) -> None:
    """A pattern that cannot be, would be too large, or that RE2 does not know is refused."""
    with pytest.raises(ValueError, match="a regular expression \\(RE2\\)"):
        compiled(pattern)


def test_named_and_numbered_groups() -> None:
    """Groups count from 1 by their opening; one that took no part, or is not there, gives nothing."""
    pattern = compiled(r"(?P<user>\w+)@(?:mail\.)?(?<host>[a-z]+)(x)?")
    assert [pattern.extract("me@mail.example", group) for group in range(5)] == [
        "me@mail.example",
        "me",
        "example",
        None,
        None,
    ]
