"""The `output` of HTTP, objects and queues: forms of a record, the frame around many, and what is refused."""

import csv
import io
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.config import load
from logferry.encoders.output import Form, Output, build, part_of
from logferry.errors import ConfigError
from logferry.model import Record

TEXT = st.text(max_size=12)


def record(**fields: object) -> Record:
    """One record with these fields."""
    return Record(0, 1_700_000_000, 0, fields)  # type: ignore[arg-type]  # JSON values


def body(output: Output, *records: Record) -> bytes:
    """All in one body."""
    encoder = build(output)
    return encoder.frame([encoder.encode(one) for one in records])


def mistakes(**options: object) -> list[str]:
    """What is wrong with an output of these options."""
    with pytest.raises(ConfigError) as caught:
        load(Output, options, path="output")
    return caught.value.problems


def test_the_default_is_newline_delimited_json() -> None:
    """Each record is one line, the last one too."""
    assert body(Output(), record(a="1", b=2), record(a="x\ny")) == b'{"a":"1","b":2}\n{"a":"x\\ny"}\n'


def test_an_array_is_prefix_separator_and_suffix() -> None:
    """With a suffix no separator follows the last record, so the body is JSON."""
    output = Output(prefix="[", separator=",", suffix="]")
    assert json.loads(body(output, record(a="1"), record(a="2"))) == [{"a": "1"}, {"a": "2"}]


def test_an_envelope_works_the_same_way() -> None:
    """Any text may stand around the records."""
    output = Output(prefix='{"records":[', separator=",", suffix="]}")
    assert json.loads(body(output, record(a="1"))) == {"records": [{"a": "1"}]}


@pytest.mark.parametrize(
    ("last", "suffix", "expected"),
    [
        (None, "", b"{}\n{}\n"),
        (None, "<end>", b"{}\n{}<end>"),
        (True, "<end>", b"{}\n{}\n<end>"),
        (False, "", b"{}\n{}"),
    ],
)
def test_last_separator(last: bool | None, suffix: str, expected: bytes) -> None:  # noqa: FBT001  # a table's column
    """Unless told, a separator follows the last record where nothing else does."""
    assert body(Output(last_separator=last, suffix=suffix), record(), record()) == expected


def test_no_records_make_no_body() -> None:
    """Prefix and header alone say nothing."""
    assert build(Output(prefix="[", suffix="]")).frame([]) == b""


def test_csv_has_a_header_and_its_columns_in_order() -> None:
    """Absent fields are the missing text; what is no text is compact JSON."""
    output = Output(format="csv", columns=("b", "a", "c"), missing="-")
    assert body(output, record(a="1", b={"x": [1]}), record(a='say "hi", ok')) == (
        b'b,a,c\n"{""x"":[1]}",1,-\n-,"say ""hi"", ok",-\n'
    )
    assert body(Output(format="csv", columns=("a",), header=False), record(a="1")) == b"1\n"


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), separator=st.sampled_from(["\n", "\r\n"]))
def test_any_text_comes_back_from_csv(rows: list[tuple[str, str]], separator: str) -> None:
    """A reader of RFC 4180 gets each value as it was."""
    output = Output(format="csv", columns=("a", "b"), separator=separator)
    text = body(output, *(record(a=a, b=b) for a, b in rows)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *map(list, rows)]


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.dictionaries(TEXT, TEXT, max_size=3), min_size=1, max_size=5))
def test_any_text_comes_back_from_ndjson(rows: list[dict[str, str]]) -> None:
    """One line a record, whatever is in it."""
    lines = body(Output(), *(record(**row) for row in rows)).split(b"\n")
    assert [orjson.loads(line) for line in lines[:-1]] == rows


def test_a_template_is_filled_on_one_line() -> None:
    """Braces are doubled to stand for themselves; a line break in a value becomes an escape, a backslash two."""
    write = part_of(Form(format="template", template="{{{host}}} {m} {gone}|", missing="-"))
    assert write(record(host="a\nb\\c", m=["x", 1])) == b'{a\\nb\\\\c} ["x",1] -|'


def test_half_a_surrogate_pair_is_mended() -> None:
    """UTF-8 cannot hold it; the record is delivered all the same."""
    for form in (Form(format="template", template="{a}"), Form(format="csv", columns=("a",))):
        assert part_of(form)(record(a="\ud800")) == "\ufffd".encode()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"format": "xml"}, "output.format: 'xml' is not one of csv, ndjson, template"),
        ({"format": "csv"}, "output.columns: is missing, format csv needs it"),
        ({"format": "template"}, "output.template: is missing, format template needs it"),
        ({"columns": ["a"]}, "output.columns: is for format csv only, the format is ndjson"),
        ({"template": "{a}"}, "output.template: is for format template only, the format is ndjson"),
        ({"missing": "-"}, "output.missing: is for csv and template only, ndjson leaves absent fields out"),
        (
            {"format": "csv", "columns": ["a"], "separator": "|"},
            "output.separator: '|' is not a line break, which ends a row of csv",
        ),
        ({"separator": ""}, "output.separator: '' is not text of 1 to 64 characters between two records"),
        ({"prefix": "x" * 4097}, "output.prefix: "),
        (
            {"format": "template", "template": "{a} }"},
            "output.template: a lone } at character 5, expected {FIELD}, and {{ or }} for a brace",
        ),
        ({"format": "template", "template": "{{a}}"}, "output.template: '{{a}}' names no field"),
    ],
)
def test_a_mistake_is_told_in_one_line(options: dict[str, object], problem: str) -> None:
    """What, which value, what was expected."""
    (found,) = mistakes(**options)
    assert found.startswith(problem)
