"""`logferry filter import`: what it prints is a task's filter, judges as the original does, is what the page shows."""

import json
import operator
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import categories, documents, filter_forms
from logferry.errors import ConfigError
from logferry.stages.filter import compile_filter
from logferry_local import cli
from logferry_local.filter_view import dump
from logferry_local.sample_logs import access_origin

PAGE = (Path(__file__).parents[2] / "docs/filter-import.md").read_text(encoding="utf-8")
RECORDS = [log.fields for log in access_origin.make(400, begin=1_780_000_000)]


def leaf(key: object = "a", operator: object = "eq", value: object = "x") -> dict[str, object]:
    """A condition of ESA v2 or Logpush."""
    return {"key": key, "operator": operator, "value": value}


def v2(*groups: list[dict[str, object]]) -> dict[str, Any]:
    """Rules of ESA v2."""
    return {"where": {"or": [{"and": group} for group in groups]}}


def imported(data: object, **options: Any) -> filter_forms.Imported:  # noqa: ANN401  # options
    """The stages."""
    return filter_forms.read(json.dumps(data), **options)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([{"ClientCountryCode": {"equals": ["DE", "US"]}}, {"EdgeCacheStatus": {"equals": ["MISS"]}}],
         lambda log: log["ClientCountryCode"] in ("DE", "US") and log["EdgeCacheStatus"] == "MISS"),
        (v2([leaf("EdgeResponseStatusCode", "in", ["404", "500"])], [leaf("ClientRequestMethod", "eq", "POST"),
             leaf("ClientRequestPath", "startsWith", "/api/")]),
         lambda log: log["EdgeResponseStatusCode"] in ("404", "500")
         or (log["ClientRequestMethod"] == "POST" and log["ClientRequestPath"].startswith("/api/"))),
        ({"where": {"and": [leaf("EdgeResponseTime", "geq", "128"), leaf("ClientRequestURI", "!contains", "api"),
                            {"or": [leaf("ClientASN", "eq", "64500"), leaf("OriginResponseDurationMs", "lt", 0)]}]}},
         lambda log: int(log["EdgeResponseTime"]) >= 128 and "api" not in log["ClientRequestURI"]
         and (log["ClientASN"] == "64500" or int(log["OriginResponseDurationMs"]) < 0)),
    ],
    ids=["esa_v1", "esa_v2", "logpush"],
)  # fmt: skip
@pytest.mark.parametrize("category", [None, "access_origin"])
def test_an_imported_filter_judges_sample_records_right(
    data: object, expected: Callable[[dict[str, str]], bool], category: str | None
) -> None:
    """Printed, read as a task file is read, compiled with and without types: some pass, some do not, the right ones."""
    kind = categories.find(category) if category else None
    stages = documents.read(dump(imported(data, category=kind)))
    assert isinstance(stages, dict)
    assert stages.get("category") == category
    _, test = compile_filter(stages["filter"], category=kind, made=() if kind else None)
    wanted = [bool(expected(record)) for record in RECORDS]
    assert [test(record) for record in RECORDS] == wanted
    assert {True, False} == set(wanted)


NAIVE: dict[str, Callable[[str, Any], bool]] = {
    "eq": operator.eq, "in": lambda found, wanted: found in wanted, "contains": operator.contains,
    "startsWith": str.startswith, "endsWith": str.endswith,
}  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
LEAVES = st.builds(
    lambda key, name, sign, value, more: leaf(key, sign + name, [value, *more] if name == "in" else value),
    st.sampled_from(["a", "on", "x y", "é"]), st.sampled_from(list(NAIVE)), st.sampled_from(["", "!"]), TEXTS,
    st.lists(TEXTS, max_size=2),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=8,
)


def naive(node: dict[str, Any], record: dict[str, str]) -> bool:
    """A filter of Logpush read word by word."""
    for name, join in (("and", all), ("or", any)):
        if name in node:
            return join(naive(member, record) for member in node[name])
    name = node["operator"].removeprefix("!")
    found = node["key"] in record and NAIVE[name](record[node["key"]], node["value"])
    return bool(found) is not node["operator"].startswith("!")


@settings(max_examples=150, deadline=None)
@given(TREES, st.dictionaries(st.sampled_from(["a", "on", "x y", "é"]), TEXTS))
def test_any_filter_survives_import_and_print(tree: dict[str, Any], record: dict[str, str]) -> None:
    """Whatever texts it holds: the printed YAML is read back as the same filter, and judges as the original reads."""
    try:
        found = imported({"where": tree})
    except ConfigError as error:  # the one limit that such a tree can pass
        assert "conditions, a task has at most" in str(error)  # noqa: PT017  # most trees are no error
        return
    stages = documents.read(dump(found))
    assert isinstance(stages, dict)
    assert stages["filter"] == found.filter
    assert compile_filter(stages["filter"])[1](record) is naive(tree, record)


KEYS = [
    "where", "and", "or", "key", "operator", "value", "equals", "a", "filter", "result",
    "RawRule", "FilterRules", "DiscardRate", "FilterVer", "output_options", "sample_rate",
    "FieldName", "field_names", "BusinessType",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYS), inner, max_size=3
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(ANYTHING.map(json.dumps) | st.text() | st.binary())
def test_any_text_is_a_filter_or_its_mistakes(text: str | bytes) -> None:
    """Nothing but ConfigError is ever raised, and what is printed can be read."""
    try:
        found = filter_forms.read(text)
    except ConfigError:
        return
    assert documents.read(dump(found)) is not None or found.filter is None


def run(*words: str) -> int:
    """The command line's exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["filter", "import", *words])
    return int(ended.value.code or 0)


def test_the_page_shows_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its filter, its options, its output."""
    blocks = dict(re.findall(r"^```(json|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    path = tmp_path / "rules.json"
    path.write_text(blocks["json"], encoding="utf-8")
    assert run(str(path), "--discard-rate", "0.1", "--category", "access_origin") == 0
    assert capsys.readouterr().out == blocks["yaml"]


@pytest.mark.parametrize("name", filter_forms.forms())
def test_every_form_is_on_the_page(name: str) -> None:
    """With what it looks like."""
    assert f"| `{name}` |" in PAGE


def test_standard_input_is_read() -> None:
    """As one command among pipes."""
    rules = b'[{"a": {"equals": ["x"]}}, {"b": {"equals": ["y"]}}]'
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", "filter", "import", "-"]
    done = subprocess.run([*command, "--entries", "any"], input=rules, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().splitlines()[:2] == [
        "# imported from esa_v1", "# its rules are joined by any: how ESA joins them is not published"
    ]  # fmt: skip


def test_a_filter_that_lets_everything_through_has_no_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comment says so; the rate still counts."""
    (tmp_path / "none.json").write_text("[]")
    assert run(str(tmp_path / "none.json"), "--discard-rate", "0.5") == 0
    assert capsys.readouterr().out == "# imported from esa_v1: lets every record through\nsampling: 50%\n"


@pytest.mark.parametrize(
    ("text", "words", "code", "told"),
    [
        ('[{"a": {"like": ["x"]}}]', (), 2, "[0].a: operator 'like' is not equals"),
        ("[]", ("--form", "v3"), 2, "'v3' is not one of: esa_v1, esa_v2, logpush"),
        ("[]", ("--category", "wof"), 2, "did you mean waf?"),
        ("[]", ("--discard-rate", "1"), 2, "--discard-rate: '1' is not a share from 0 to below 1"),
        (None, (), 1, "No such file or directory"),
    ],
)
def test_a_mistake_is_told_on_standard_error(
    text: str | None, words: tuple[str, ...], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed that could be taken for a filter."""
    path = tmp_path / "rules.json"
    if text is not None:
        path.write_text(text)
    assert run(str(path), *words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_a_folder_is_no_filter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, in one line."""
    assert run(str(tmp_path)) == 2
    assert "is a folder" in capsys.readouterr().err


def test_the_python_of_the_page_runs() -> None:
    """Its assertions hold."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
