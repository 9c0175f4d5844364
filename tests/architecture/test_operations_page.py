"""docs/operations.md names what there is: metrics, their units, and alarms that could be made of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.functions.stack import document

from logferry import meter
from logferry.model import Counts, Effort, Lag, Outcome
from logferry.rounds import Visit
from logferry.runtime import aws
from logferry_local import exporter, status_view

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROMETHEUS = {f"logferry_{name}_total" for name in exporter.COUNTERS} | {f"logferry_{name}" for name in exporter.GAUGES}


def section(name: str) -> str:
    """The text under one heading."""
    return re.split(r"^#+ ", PAGE.partition(f" {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


METRICS = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| .+ \| .* ?\|$", section("Metrics"), re.MULTILINE)


def rules() -> list[dict[str, Any]]:
    """The alerting rules for Prometheus."""
    (found,) = (block for block in BLOCKS if block.startswith("groups:"))
    return [rule for group in yaml.safe_load(found)["groups"] for rule in group["rules"]]


def test_every_metric_is_listed() -> None:
    """The one list of names is the page's."""
    assert [name for name, _ in METRICS] == [*meter.COUNTERS, *meter.GAUGES]


def test_units_are_those_that_cloudwatch_is_told() -> None:
    """Bytes and seconds; all else is counted."""
    units = {name: {"bytes": "Bytes", "seconds": "Seconds"}.get(unit, "Count") for name, unit in METRICS}
    assert units == {name: aws._unit(name) for name in units}


def test_every_prometheus_metric_is_listed() -> None:
    """Each by its full name, and no other."""
    assert set(re.findall(r"`(logferry_[a-z_]+)`", section("Prometheus"))) == PROMETHEUS


def test_every_column_of_the_status_table_is_explained() -> None:
    """In the table's order."""
    table = section("Status").partition("| option |")[0]
    found = re.findall(r"^\| ([a-z ,]+) \| (?!says)", table, re.MULTILINE)
    assert [name for cell in found for name in cell.split(", ")] == list(status_view.COLUMNS)


def test_the_example_line_has_the_keys_of_a_real_one() -> None:
    """What SLS is told to index is what is written."""
    (example,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lag = {("t", "0"): Lag(seconds=1, left=2)}
    outcome = Outcome(task="t", stream="0", counts=Counts(), effort=Effort(), finished=False)
    sums = meter.Sums()
    sums.observe(Visit({("t", "0"): outcome}, {}, lag))
    about = {"time", "level", "message", "logger", "request_id", "function", "task"}
    assert set(json.loads(example)) == about | set(sums.tasks["t"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    """A rule over a name that does not exist would never fire."""
    names = set(re.findall(r"\b(?:logferry_[a-z_]+|up)\b", rule["expr"]))
    assert names
    assert names <= PROMETHEUS | {"up"}
    assert set(re.findall(r'fate="(\w+)"', rule["expr"])) <= set(Counts.__struct_fields__)
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))


def test_the_alarms_of_the_stack_are_all_there() -> None:
    """What an operator is woken by is explained, and nothing that would not wake anybody."""
    resources = document()["Resources"]
    alarms = [name for name, found in resources.items() if found["Type"] == "AWS::CloudWatch::Alarm"]
    assert sorted(re.findall(r"^\| `(\w+Alarm)` \|", PAGE, re.MULTILINE)) == sorted(alarms)
