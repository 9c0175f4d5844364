"""docs/output.md: each example gives exactly what stands below it."""

import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from logferry.config import load
from logferry.encoders.output import Output, build
from logferry.model import Record

PAGE = (Path(__file__).parents[2] / "docs/output.md").read_text(encoding="utf-8")
RECORDS = [json.loads(line) for line in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()]
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_page_has_examples() -> None:
    """The pattern finds them."""
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("options", "text"), EXAMPLES)
def test_example_gives_what_the_page_shows(options: str, text: str) -> None:
    """The two records, written with these options."""
    encoder = build(load(Output, yaml.safe_load(options)["output"]))
    parts = [encoder.encode(Record(ordinal, 0, 0, fields)) for ordinal, fields in enumerate(RECORDS)]
    assert encoder.frame(parts).decode().rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("name", [field.encode_name for field in msgspec.structs.fields(Output)])
def test_option_is_on_the_page(name: str) -> None:
    """Every option has its row."""
    assert re.search(rf"^\|[^|]*`{name}`", PAGE, re.MULTILINE)
