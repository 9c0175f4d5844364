"""The JSON Schema of a task file: it is one, it says what it said, and it agrees with the checker."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has none
import pytest

from logferry import documents, registry, task, task_schema

EXAMPLES = Path(__file__).parent / "task"
GOLDEN = EXAMPLES / "schema.json"
FILES = sorted(path for path in EXAMPLES.iterdir() if path.name != GOLDEN.name)


def valid(data: object) -> bool:
    """Whether the schema takes it."""
    return bool(jsonschema.Draft202012Validator(task_schema.schema()).is_valid(data))


def test_it_is_a_schema() -> None:
    """Draft 2020-12 itself says so."""
    jsonschema.Draft202012Validator.check_schema(task_schema.schema())


def test_the_keys_of_a_task_are_as_recorded() -> None:
    """Rewritten with LOGFERRY_WRITE_GOLDEN=1; the kinds' own options are left to their pages."""
    made = json.loads(json.dumps(task_schema.schema()))
    made["$defs"] = {name: part for name, part in made["$defs"].items() if "." not in name}
    for room in ("source", "destination"):
        del made["properties"][room]["properties"]
    if os.environ.get("LOGFERRY_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    assert made == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", ["sources", "destinations"])
def test_every_kind_and_each_of_its_options_is_in_it(room: str) -> None:
    """A new file in a room is in the schema without a list to edit."""
    made = task_schema.schema()
    properties = made["properties"][room.removesuffix("s")]["properties"]
    for kind, part in properties.items():
        options = made["$defs"][part["$ref"].removeprefix("#/$defs/")]["properties"]
        assert list(options) == list(registry.find(room, kind).Config.__struct_fields__)
    assert list(properties) == registry.names(room)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_schema_and_checker_take_the_examples(path: Path) -> None:
    """Both of them, YAML and JSON."""
    task.parse(path.read_bytes())
    assert valid(documents.read(path.read_bytes()))


def example() -> Any:  # noqa: ANN401  # a document
    """The example that uses every key."""
    return documents.read((EXAMPLES / "full.yaml").read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"task": "Waf"}, {"surce": 1}, {"category": "wof"}, {"sampling": 5}, {"fields": []}, {"fields": ["a", "a"]},
        {"max_lag": 5}, {"start": "now"}, {"filter": {"field": "a", "op": "lik"}}, {"filter": {"all": []}},
        {"filter": {"all": [{"field": "a", "op": "eq"}], "any": [{"field": "a", "op": "eq"}]}},
        {"site": "a b"}, {"rename": {}}, {"rename": {"a": ""}}, {"timestamps": "unix"},
        {"timestamps": {"format": "unix_s"}},
        {"custom_fields": {"cookies": ["a b "]}}, {"custom_fields": {"shape": "deep"}}, {"redact": []},
        {"redact": [{"fields": ["a"]}]}, {"redact": [{"fields": ["a"], "action": "hash", "key": "literal"}]},
        {"source": {}}, {"source": {"slz": {}}}, {"destination": {"splunk_hec": {"url": "https://h:1"}}},
        {"destination": {"splunk_hec": {"url": "https://h:1", "token": "literal"}}},
        {"destination": {"splunk_hec": {"url": "https://h:1", "token": "secret://env/T", "x": 1}}},
    ],
    ids=str,
)  # fmt: skip
def test_schema_refuses_what_the_checker_refuses(change: dict[str, object]) -> None:
    """An editor underlines it."""
    assert not valid(example() | change)


def test_schema_takes_the_example_that_the_refusals_start_from() -> None:
    """Without a change it is right, so each refusal is due to its change."""
    assert valid(example())
