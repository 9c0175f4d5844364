"""A document's text: one rule for every value, limits, and no value of the text in a message."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import documents
from logferry.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1\nb: [x, -2, 1.5, true, ~]", {"a": 1, "b": ["x", -2, 1.5, True, None]}),
        ('{"a": {"b": [1, "x", null]}}', {"a": {"b": [1, "x", None]}}),
        ("{a: {b: c}}", {"a": {"b": "c"}}),
        (b"\xef\xbb\xbfa: \xc3\xa9", {"a": "é"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ("", None),
        ("# nothing\n", None),
    ],
)
def test_yaml_and_json_give_the_same_plain_data(text: str | bytes, data: object) -> None:
    """Both forms are read, with or without a byte order mark."""
    assert documents.read(text) == data


@pytest.mark.parametrize(
    "text", ["yes", "on", "0755", "007", "12:30", "2026-07-01", "100%", ".5", "0x1F", "1_000", "'1'"]
)
def test_what_json_would_not_call_a_number_is_text(text: str) -> None:
    """A log field named `on` or a value `007` arrives as it was written."""
    assert documents.read(f"a: {text}") == {"a": text.strip("'")}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' stands twice in one mapping"),
        ('{"a": 1, "a": 2}', "key 'a' stands twice in one mapping"),
        ("a: &x [1]\nb: *x", "line 2, column 4: aliases (*name) are not accepted: write the value out"),
        ("a: !!python/object:os.system x", "line 1, column 4: tags (!name) are not accepted"),
        ("a: 1\n---\na: 2", "line 2, column 1: a second document: write one file each"),
        ("? [a]\n: b", "line 1, column 3: a key is text, not a list, mapping or alias"),
        ("a: 1e999", "a number is out of range"),
        ('{"a": NaN}', "NaN is not a number that can be stored"),
        ("a: 99999999999999999999", "line 1, column 4: a number of more than 64 bits"),
        ('{"a": 99999999999999999999}', "a number of more than 64 bits"),
        ('a: "\\ud800"', "a text holds half of a surrogate pair"),
        ('a: "\\U99999999"', "not YAML: an unprintable character or a broken escape"),
        (b"a: \xff", "byte 3 is not UTF-8 text"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(text: str | bytes, problem: str) -> None:
    """The message says where and what."""
    with pytest.raises(ConfigError) as caught:
        documents.read(text)
    assert caught.value.problems[0].startswith(problem)


@pytest.mark.parametrize("text", ["[" * 5_000, '{"a":' * 5_000, "a: " + "{b: " * 40, '{"a":' * 33 + "1" + "}" * 33])
def test_depth_is_limited(text: str) -> None:
    """Deep nesting ends with a message, not with the interpreter's stack."""
    with pytest.raises(ConfigError, match="nested deeper than 32 levels"):
        documents.read(text)


def test_size_is_limited() -> None:
    """A document of more than 1 MiB is not looked at."""
    with pytest.raises(ConfigError, match="1048577 bytes, at most 1048576"):
        documents.read(b"#" * (documents.MAX_BYTES + 1))


@pytest.mark.parametrize("text", ["token: !hunter2!more x", "token: @hunter2", "token: hunter2: x", "token: 'hunter2"])
def test_a_message_never_shows_a_value(text: str) -> None:
    """A password that breaks the syntax is not repeated."""
    with pytest.raises(ConfigError) as caught:
        documents.read(text)
    assert "hunter2" not in str(caught.value)


@given(st.one_of(st.text(), st.binary(), st.text(alphabet="ab:-[]{}*&!|>'\"#%@?,\n \\ud0")))
def test_any_text_gives_data_or_a_message(text: str | bytes) -> None:
    """Nothing but ConfigError is ever raised."""
    with suppress(ConfigError):
        documents.read(text)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values))
def test_json_is_read_as_json_reads_it(data: dict[str, object]) -> None:
    """What JSON can say comes back unchanged."""
    assert documents.read(json.dumps(data)) == data
