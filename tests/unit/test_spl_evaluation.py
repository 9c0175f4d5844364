"""Queries on logs: what is kept, what is changed; prepared closures say what a plain walk through the tree says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.spl_reference import reference

from logferry_local.spl import Row, compile_query
from logferry_local.spl.evaluation import compiled
from logferry_local.spl.instructions import parse
from logferry_local.spl.syntax import Call, Expression, Field, Literal, Value, Where

LOG: dict[str, Value] = {
    "__time__": 1_700_000_000, "__topic__": "waf", "__tag__:host": "h-1", "status": "403", "bytes": "1024", "empty": "",
    "json": '{"a": {"b": [1, "x", true, null]}, "c d": 2.5}', "host": "WWW.example.org", "path": "/a/b?c=d",
    "word": "true", "instance_id": "instance-2", "quote": "it's", "bad": "\udcff\udcfe", "spaced": "  x ",
}  # fmt: skip


def value(expression: str) -> Value:
    """What an expression comes to for LOG."""
    row = Row({"marker": "set", **LOG})
    assert compile_query(f"* | extend found = {expression}").run(row)
    return "failed" if row.failed else row.fields.get("found")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("status", "403"), ('"__tag__:host"', "h-1"), ("'it''s' = quote", True), ("missing", None), ("null", None),
        ("status = '403'", True), ("status = 403", True), ("status > 99.5", True), ("status > '99'", False),
        ("host = 403", None), ("status <> '403'", False), ("status != '1'", True), ("missing = '1'", None),
        ("word = true", True), ("word and true", True), ("host and true", None), ("empty = ''", True),
        ("missing is null", True), ("status is not null", True), ("empty is null", False),
        ("status in ('1', '403')", True), ("status in (1, 403)", True), ("status not in ('1')", True),
        ("missing in ('1')", None), ("status in ('1', missing)", None), ("status in ('403', missing)", True),
        ("status between 400 and 499", True), ("status not between 400 and 499", False),
        ("host like 'WWW.%'", True), ("host like '%example%org'", True), ("host like 'www%'", False),
        ("host like '___.%'", True), ("status like '4_3'", True), ("status like '4%3%3'", False),
        ("missing like '%'", None),
        ("host not like '%.com'", True), ("path like '/a/b?c=d'", True), ("path like '%.%'", False),
        ("true or missing", True), ("missing or true", True), ("false or missing", None), ("false and missing", False),
        ("missing and true", None), ("not missing", None), ("not status = '1'", True), ("not not true", True),
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 / 2", 3), ("-7 / 2", -3), ("-7 % 2", -1), ("7 / 2.0", 3.5),
        ("bytes + 1", 1025), ("- bytes", -1024), ("host + 1", None), ("1 / 0", "failed"), ("2 - 1 - 1", 0),
        ("9223372036854775807 + 1", "failed"), ("1.5 + 1.5", 3.0),
        ("cast(status as bigint)", 403), ("cast('4.5' as double)", 4.5), ("cast(4.5 as bigint)", 5),
        ("cast('4.5' as bigint)", "failed"), ("cast(host as bigint)", "failed"), ("cast(missing as bigint)", None),
        ("try_cast(host as bigint)", None), ("cast(7 as varchar)", "7"), ("cast('TRUE' as boolean)", True),
        ("cast(1 = 1 as varchar)", "true"), ("cast('99999999999999999999' as bigint)", "failed"),
        ("cast('maybe' as boolean)", "failed"), ("cast('1e400' as double)", "failed"),
        ("lower(host)", "www.example.org"), ("upper('a')", "A"), ("length(host)", 15), ("length(bad)", 2),
        ("concat('a', status, 1)", "a4031"), ("concat('a', missing)", None), ("'a' || 'b' || 'c'", "abc"),
        ("trim(spaced)", "x"), ("ltrim(spaced)", "x "), ("rtrim(spaced)", "  x"), ("abs(-3)", 3), ("round(2.5)", 3.0),
        ("substr('abcdef', 2)", "bcdef"), ("substr('abcdef', 2, 3)", "bcd"), ("substr('abcdef', -2)", "ef"),
        ("substr('abc', 0)", ""), ("substr('abc', 'x')", "failed"),
        ("strpos('abc', 'c')", 3), ("strpos('abc', 'x')", 0),
        ("replace(path, '/', '-')", "-a-b?c=d"), ("replace(path, '/')", "ab?c=d"), ("split_part('a,b', ',', 2)", "b"),
        ("split_part('a,b', ',', 3)", None), ("split_part('a', ',', 0)", "failed"),
        ("starts_with(host, 'WWW')", True), ("ends_with(host, 'org')", True), ("nullif(status, '403')", None),
        ("regexp_like(path, '^/[a-z]+/b')", True), ("regexp_extract(path, '/(\\w)/(\\w)', 2)", "b"),
        ("regexp_extract(path, 'nope')", None), ("regexp_extract(path, '\\w', 9)", None),
        ("json_extract_scalar(json, '$.a.b[1]')", "x"), ("json_extract_scalar(json, '$.a.b[0]')", "1"),
        ("json_extract_scalar(json, '$[\"c d\"]')", "2.5"), ("json_extract_scalar(json, '$.a.b[2]')", "true"),
        ("json_extract_scalar(json, '$.a.b[3]')", None), ("json_extract_scalar(json, '$.a')", None),
        ("json_extract_scalar(json, '$.a.b[9].c')", None), ("json_extract_scalar(host, '$.a')", None),
        ("coalesce(missing, nullif(status, '403'), 'x')", "x"), ("coalesce(missing, missing)", None),
        ("if(status = 403, 'y', 'n')", "y"), ("if(missing, 'y', 'n')", "n"), ("if(false, 'y')", None),
        ("case when status = 1 then 'a' when status = 403 then 'b' else 'c' end", "b"),
        ("case when missing then 'a' end", None), ("if(false, cast(host as bigint), 1)", 1),
        ("__time__ - 1", 1_699_999_999),
    ],
)  # fmt: skip
def test_expression(expression: str, expected: Value) -> None:
    """Literals, operators with their precedence, null, functions."""
    assert (value(expression), type(value(expression))) == (expected, type(expected))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("*", "all"), ("* ;", "all"), ("*| where instance_id in ('instance-1', 'instance-2')", "all"),
        ("* | WHERE status = '403' AND NOT host LIKE 'x%' -- why not\n ;", "all"), ("* /* so */ | where true", "all"),
        ("* | where status = '200'", None), ("* | where missing = 'x'", None),
        ("* | where cast(host as bigint) > 1", None),
        ("* | project status, host", {"__time__", "status", "host"}), ("* | project nothing", {"__time__"}),
        ('* | project "__t*"', {"__time__", "__topic__", "__tag__:host"}),
        ('* | project -wildcard "*t*e*", status', {"__time__", "instance_id", "quote", "status", "bytes"}),
        ('* | project -wildcard-off "__t*"', {"__time__"}),
        ('* | project node = "__tag__:host", status', {"__time__", "node", "status"}),
        ('* | project-away "*", status', {"__time__"}),
        ('* | project status, "b*" | project-away bad | project-rename size = bytes, x = n',
         {"__time__", "status", "size"}),
    ],
)  # fmt: skip
def test_pipeline(query: str, left: object) -> None:
    """Instructions one after the other; times stay whatever is projected."""
    row = Row(dict(LOG))
    stays = compile_query(query).run(row)
    assert (set(row.fields) if stays else None) == (set(LOG) if left == "all" else left)


def test_extend_sees_what_it_has_set() -> None:
    """In order, in place; a null removes the field; a value that cannot be computed leaves it out and is marked."""
    row = Row(dict(LOG))
    assert compile_query("* | extend a = 1, b = a + 1, status = lower(missing), c = cast(host as bigint)").run(row)
    assert (row.fields["a"], row.fields["b"], row.failed) == (1, 2, True)
    assert "status" not in row.fields
    assert "c" not in row.fields


def test_time_is_set_to_whole_numbers_only() -> None:
    """A time that cannot be stays as it was, and marks the log."""
    row = Row(dict(LOG))
    query = compile_query("* | extend __time__ = cast('1690000000' as bigint) | extend __time__ = 'late'")
    assert query.run(row)
    assert (row.fields["__time__"], row.failed) == (1_690_000_000, True)


def test_texts_do_not_grow_without_end() -> None:
    """Doubling a text again and again stops at a mebibyte."""
    row = Row(dict(LOG))
    doubling = ", ".join("host = concat(host, host)" for _ in range(100))
    assert compile_query(f"* | extend {doubling}").run(row)
    assert row.failed
    assert "host" not in row.fields


VALUES = st.sampled_from(
    [None, "", "a", "b", "ab", "403", "40", " 7 ", "-1", "2.5", "true", "False", 403, 7, -1, 2.5, True, False]
)
LEAVES = st.one_of(VALUES.map(Literal), st.sampled_from(["x", "y", "z"]).map(Field))


def branches(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Calls of two levels and more."""

    def call(names: list[str], fewest: int, most: int) -> st.SearchStrategy[Expression]:
        arguments = st.lists(children, min_size=fewest, max_size=most).map(tuple)
        return st.builds(Call, st.sampled_from(names), arguments)

    patterns = st.text(alphabet="ab4%_", max_size=5).map(Literal)
    return st.one_of(
        call(["=", "<>", "<", "<=", ">", ">="], 2, 2), call(["and", "or", "in", "concat"], 2, 4),
        call(["coalesce"], 1, 3), call(["not", "is null", "lower", "length"], 1, 1),
        st.builds(Call, st.just("like"), st.tuples(children, patterns)),
    )  # fmt: skip


@given(
    st.recursive(LEAVES, branches, max_leaves=12),
    st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES.filter(lambda one: one is not None)),
)
def test_closures_agree_with_the_walk(expression: Expression, fields: dict[str, Value]) -> None:
    """Whatever the expression and the log: the same value of the same kind."""
    expected, found = reference(expression, fields), compiled(expression)(fields)
    assert (found, type(found)) == (expected, type(expected))


@given(st.text(alphabet="ab%_", max_size=8), st.text(alphabet="ab", max_size=10))
def test_like_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    """% and _ anywhere, doubled or not."""
    [where] = parse(f"* | where x like '{pattern}'")
    assert isinstance(where, Where)
    expected = re.fullmatch(pattern.replace("%", ".*").replace("_", "."), text) is not None
    assert compiled(where.test)({"x": text}) == expected
