"""docs/fields.md: every example loads, runs, and does to its record what the page shows; every option is there."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logferry import documents, task
from logferry.model import Record
from logferry.plan import Tally, select
from logferry.stages.custom_fields import CustomFields
from logferry.stages.patterns import FINDERS
from logferry.stages.redact import Rule
from logferry.stages.timestamps import Timestamps
from logferry.task_plan import plan_of
from logferry.vault import Vault

PAGE = (Path(__file__).parents[2] / "docs/fields.md").read_text(encoding="utf-8")
BLOCK = r"```{}\n(.*?)^```\n"
EXAMPLES = re.findall(BLOCK.format("yaml") + 2 * BLOCK.format("json"), PAGE, re.MULTILINE | re.DOTALL)
GOOD: dict[str, Any] = {
    "task": "waf",
    "source": {
        "sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "waf-project", "logstore": "logs"}
    },
    "destination": {"syslog_server": {"host": "siem.example", "port": 6514, "protocol": "tls"}},
}


@pytest.mark.parametrize(("part", "before", "after"), EXAMPLES, ids=lambda text: text.partition("\n")[0][:40])
def test_the_record_leaves_as_the_page_shows(part: str, before: str, after: str) -> None:
    """Fields, values and order."""
    stages = documents.read(part)
    assert isinstance(stages, dict)
    plan = plan_of(task.load(GOOD | stages), Vault({"REDACTION_KEY": "the key of this example"}))
    (left,) = select(plan, [Record(0, 0, 0, json.loads(before), b"")], Tally())
    assert list(left.fields.items()) == list(json.loads(after).items())


def test_every_example_is_run() -> None:
    """No block stands apart."""
    assert len(EXAMPLES) == PAGE.count("```yaml") == PAGE.count("```json") / 2 == 8


@pytest.mark.parametrize("shape", [CustomFields, Rule, Timestamps])
def test_every_option_of_a_stage_is_on_the_page(shape: type[msgspec.Struct]) -> None:
    """In backticks."""
    assert [name for name in shape.__struct_fields__ if f"`{name}`" not in PAGE] == []


def test_every_action_pattern_and_format_is_on_the_page() -> None:
    """In backticks."""
    words = (*FINDERS, "drop", "mask", "hash", "nested", "flat", "rfc3339", "unix_s", "unix_ms", "unix_ns")
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_every_stage_stands_in_the_table_of_the_order() -> None:
    """Each key that does something to records."""
    keys = re.findall(r"^\| \d \|.*\| `(\w+)` \|$", PAGE, re.MULTILINE)
    assert keys == ["sampling", "site", "filter", "fields", "custom_fields", "redact", "timestamps", "rename"]
