"""Settings that are read from a field: patterns, names in a list, and what cannot be such a value."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.config import load
from logferry.from_field import FromField, reader


def read(options: dict[str, object], fields: dict[str, str]) -> str:
    """What the setting is for a record with these fields; `no` is no value."""
    made = reader(load(FromField, options), lambda value: None if value == "no" else str(value), "otherwise")
    return made(fields)


@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab\n", max_size=8))
def test_stars_are_the_shells(pattern: str, text: str) -> None:
    """A pattern fits what the same pattern of a shell would fit, line breaks included."""
    wanted = re.fullmatch(fnmatch.translate(pattern), text) is not None
    assert read({"field": "f", "map": {pattern: "yes"}}, {"f": text}) == ("yes" if wanted and text else "otherwise")


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"a": "x"}, "x"), ({"b": "y"}, "y"), ({"a": "", "b": "y"}, "y"), ({"a": "no", "b": "y"}, "dflt"), ({}, "dflt")],
)
def test_the_first_field_that_is_there_counts(fields: dict[str, str], told: str) -> None:
    """An empty one does not; one that holds no such value makes it the default."""
    assert read({"field": ["a", "b"], "default": "dflt"}, fields) == told


def test_order_decides_between_patterns() -> None:
    """The first that fits, not the longest."""
    assert read({"field": "f", "map": {"4*": "a", "404": "b"}}, {"f": "404"}) == "a"


def test_only_stars_mean_something() -> None:
    """Other signs stand for themselves, and case counts."""
    options: dict[str, object] = {"field": "f", "map": {"a.c": "dot", "a?[b]": "signs", "X": "big"}}
    assert [read(options, {"f": text}) for text in ("a.c", "abc", "a?[b]", "x")] == [
        "dot", "otherwise", "signs", "otherwise",
    ]  # fmt: skip


def test_a_strangers_text_cannot_stop_us() -> None:
    """A pattern with many stars against a long value that nearly fits takes no longer than reading it."""
    begun = time.perf_counter()
    assert read({"field": "f", "map": {"*a" * 30 + "*b": "yes"}}, {"f": "a" * 1_000_000}) == "otherwise"
    assert time.perf_counter() - begun < 1
