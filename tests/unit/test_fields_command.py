"""`logferry fields`: the categories and their fields, for people and for programs."""

import json

import pytest

from logferry import categories
from logferry_local import cli


def run(*words: str) -> int:
    """The command line's exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["fields", *words])
    return int(ended.value.code or 0)


def test_categories_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, tab-separated in a pipe."""
    assert run() == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == categories.names()
    assert ["dns", "DNS logs of ESA", "site", "10", "Timestamp", "-"] in lines


def test_fields_of_a_category_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """In the vendor's order; what is unconfirmed says so."""
    assert run("access_origin") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == list(categories.find("access_origin").fields)
    assert {len(line) for line in lines} == {4}
    assert lines[-1][3].endswith("(unconfirmed)")


@pytest.mark.parametrize("name", categories.names())
def test_json_has_the_keys_of_the_catalog(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`name`, `type`, `group`, `meaning`, and `values` and `unconfirmed` where they say something."""
    assert run(name, "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data) == [
        "category", "title", "scope", "business_type", "event_time", "id", "custom_fields", "missing", "fields"
    ]  # fmt: skip
    rows = data["fields"]
    assert [row["name"] for row in rows] == list(categories.find(name).fields)
    assert all(list(row)[:4] == ["name", "type", "group", "meaning"] for row in rows)
    assert {key for row in rows for key in list(row)[4:]} <= {"values", "unconfirmed"}


def test_json_of_all_categories(capsys: pytest.CaptureFixture[str]) -> None:
    """One object, the number of fields in place of the fields."""
    assert run("--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert {row["category"]: row["fields"] for row in data["categories"]}["firewall"] == 26


def test_an_unknown_category_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, the nearest name on standard error."""
    assert run("acces_origin") == 2
    assert "did you mean access_origin?" in capsys.readouterr().err
