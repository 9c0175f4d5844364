"""A query that cannot be run is refused with its place and what was expected, and never takes long to refuse."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry_local.spl import SplError, compile_query

WORDS = ["*", "|", "where", "extend", "project", "project-away", "-wildcard", "a", '"b c"', "'x'", "1", "1.5",
         "=", "<>", "(", ")", ",", "and", "or", "not", "in", "like", "is", "null", "case", "when", "then", "end",
         "cast", "as", "bigint", "lower", "coalesce", "-", "+", "||", ";", "between", "'"]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "line 1:1 mismatched input '<EOF>' expecting '*'"),
        ("status: 403 | where a = 1", r"line 1:1 mismatched input 'status: 403' expecting '\*': a search in front"),
        ("error", "line 1:1 mismatched input 'error' expecting '\\*': a search in front is for queries on an index"),
        ("* |\n fields a", "line 2:2 mismatched input 'fields' expecting EXTEND, PROJECT, PROJECT-AWAY"),
        ("* | stats count(*) as n", "line 1:5 mismatched input 'stats'"),
        ("* where a = 1", "line 1:3 mismatched input 'where' expecting '|', ';' or the end"),
        ("* | where", "line 1:10 mismatched input '<EOF>' expecting a field"),
        ("* | where a = 'x", "line 1:15 mismatched input .* expecting a closing '"),
        ("* | where a == 1", "line 1:14 mismatched input '=' expecting a field"),
        ("* | where a = 1 b", "line 1:17 mismatched input 'b' expecting '|'"),
        ("* | where a b", "line 1:13 mismatched input 'b'"),
        ("* | where a = 1x", "line 1:15 mismatched input '1x'"),
        ("* | where a-b:c = 1", "line 1:14 mismatched input .* expecting a field name \\(in double quotes"),
        ("* | where a in 'x'", "line 1:16 mismatched input .* expecting '\\('"),
        ("* | where a like b", "line 1:18 mismatched input 'b' expecting a 'pattern' with % and _"),
        ("* | where and", "line 1:11 mismatched input 'and'"),
        ("* | where nope(a)", "line 1:11 mismatched input 'nope' expecting one of the functions abs, "),
        ("* | where substr(a)", r"line 1:18 mismatched input 'a' expecting 2 to 3 argument\(s\) of substr, not 1"),
        ("* | where lower()", r"line 1:17 mismatched input '\)' expecting 1 argument\(s\) of lower, not 0"),
        ("* | where lower(a,)", "line 1:19 mismatched input"),
        ("* | where regexp_like(a, b)", "line 1:26 mismatched input 'b' expecting a value written out"),
        ("* | where regexp_like(a, '(')", "line 1:26 mismatched input .* at character 2: missing \\)"),
        ("* | where regexp_like(a, 1)", "line 1:26 mismatched input '1' expecting a 'pattern'"),
        ("* | extend b = regexp_extract(a, 'x', -1)", "expecting the number of a group"),
        ("* | extend b = json_extract_scalar(a, 'a.b')", "line 1:39 mismatched input .* expecting a JSON path"),
        ("* | extend b = cast(a as money)", "line 1:26 mismatched input 'money' expecting bigint, "),
        ("* | extend b", "line 1:13 mismatched input '<EOF>' expecting '='"),
        ("* | extend b = 1,", "line 1:18 mismatched input '<EOF>' expecting a field name"),
        ("* | extend b = case when a then 1", "line 1:34 mismatched input '<EOF>' expecting 'end'"),
        ("* | project -wild a", "line 1:13 mismatched input '-' expecting -wildcard or -wildcard-off"),
        ("* | project null", "line 1:13 mismatched input 'null' expecting a field name"),
        ('* | project ""', "line 1:13 mismatched input"),
        ("* | project-rename __time__ = a", "line 1:20 mismatched input '__time__' expecting a field that is no time"),
        ("* | where a = 9999999999999999999", "line 1:15 mismatched input .* expecting a number of at most 64 bits"),
        ("* | where a = 1e999", "line 1:15 mismatched input '1e999' expecting a number of at most 64 bits"),
        ("* | where a = $x", "line 1:15 mismatched input"),
        ("* | where " + "(" * 60 + "a" + ")" * 60, "nested no more than 50 deep"),
        ("* | where " + "1+" * 2000 + "1 = 1", "no more than 100 operations within each other"),
        ("* | where " + "lower(" * 60 + "a" + ")" * 60 + " = ''", "nested no more than 50 deep"),
        ("*" + " | where true" * 17, "no more than 16 instructions"),
        ("* | where a = '" + "x" * 10_240 + "'", "the query has 10256 bytes, at most 10240"),
        ("* | where a = " + "'" * 9_001, "mismatched input"),
        ("* | where a " + "/*" * 4_000, "mismatched input"),
    ],
    ids=lambda text: text[:30],
)
def test_mistake_is_told_with_its_place(query: str, says: str) -> None:
    """Line and column from 1, what stands there, what was expected."""
    with pytest.raises(SplError, match=f"^{says}" if says.startswith(("line", "the query")) else says):
        compile_query(query)


@pytest.mark.parametrize(
    "query",
    ["* | where " + "a = 'x' or " * 800 + "true", "* | where " + "not " * 2000 + "a",
     "* | where " + "- " * 2000 + "1 = 1",
     "* | extend b = " + "a || " * 1500 + "a", "* | where a in (" + "'x'," * 2000 + "'y')"],
    ids=["or", "not", "minus", "concat", "in"],
)  # fmt: skip
def test_long_chains_are_no_deep_ones(query: str) -> None:
    """What is written one after the other does not count as nested, and does not exhaust the stack."""
    compile_query(query)


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_words_are_compiled_or_refused(words: list[str]) -> None:
    """Nothing but SplError comes out of whatever is written."""
    with suppress(SplError):
        compile_query("* | where " + " ".join(words))


@given(st.text(max_size=60))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    """Neither out of text of any kind."""
    with suppress(SplError):
        compile_query(text)
