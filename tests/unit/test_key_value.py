"""`key=value` pairs: what is escaped, what is not, and that the escaped form can be read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.encoders.key_value import KeyValue
from logferry.model import Record, Value

TEXT = st.text(alphabet=st.sampled_from("ab|,=\\\n\r\0né世"), max_size=12)
FIELDS = st.dictionaries(TEXT, TEXT, max_size=6)


def record(**fields: Value) -> Record:
    """A record of these fields."""
    return Record(0, 1774426530, 0, fields)


def read_back(text: str, sep: str) -> dict[str, str]:
    """A reader of the escaped form, written from its description alone."""
    token = re.compile(rf"\\(.)|({re.escape(sep)})|(=)|(.)", re.DOTALL)
    pairs: list[list[str]] = [[""]]
    for escaped, parted, equals, plain in token.findall(text):
        if parted:
            pairs.append([""])
        elif equals:
            pairs[-1].append("")
        else:
            pairs[-1][-1] += {"n": "\n", "r": "\r"}.get(escaped, escaped) or plain
    return {pair[0]: pair[1] for pair in pairs}


@given(fields=FIELDS, sep=st.sampled_from(["||", "|", ",", ", ", "\t", ";;;", "é"]))
def test_escaped_pairs_can_be_read_back(fields: dict[str, str], sep: str) -> None:
    """Whatever keys and values hold, a reader of the escaped form finds them again, on one line."""
    text = KeyValue(sep, escape=True).text(record(**fields))
    assert "\n" not in text
    assert "\r" not in text
    assert (read_back(text, sep) if fields else {}) == fields


@given(fields=st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.booleans(), st.none()), max_size=6))
def test_plain_pairs_are_the_slow_and_obvious_ones(fields: dict[str, Value]) -> None:
    """The fast way says what one pair at a time says, for text and for other values."""
    words = {True: "true", False: "false", None: "null"}
    slow = [f"{k}={words[v] if v is None or isinstance(v, bool) else v}" for k, v in fields.items()]
    assert KeyValue().text(record(**fields)) == "||".join(slow)


def test_meta_fields_stand_where_they_are() -> None:
    """Topic, source and tags are fields like any other, in the record's order."""
    made = record(**{"__topic__": "waf", "b": "1", "__tag__:env": "x", "a": "2"})
    assert KeyValue().text(made) == "__topic__=waf||b=1||__tag__:env=x||a=2"


def test_no_fields_are_no_text() -> None:
    """A record without fields has no separator either."""
    assert KeyValue(leading_separator=True).text(record()) == ""


@pytest.mark.parametrize("escape", [False, True])
def test_leading_separator_comes_first(escape: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """The published form begins with the separator, escaped or not."""
    assert KeyValue(",", leading_separator=True, escape=escape).text(record(a="1", b="")) == ",a=1,b="


def test_alone_it_makes_lines() -> None:
    """As an encoder each record is one line, its line breaks written so that they can be restored."""
    encoder = KeyValue()
    parts = [encoder.encode(record(a="x\ny\\n")), encoder.encode(record(b="\ud800"))]
    assert encoder.frame(parts) == b"a=x\\ny\\\\n\nb=\xef\xbf\xbd\n"


def test_nothing_to_frame_is_nothing() -> None:
    """No parts, no bytes."""
    assert KeyValue().frame([]) == b""
