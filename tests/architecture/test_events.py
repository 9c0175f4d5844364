"""Sample events: each function has some for both clouds, real in shape, invented in their values."""

import json
import re
from pathlib import Path

import pytest

from logferry.runtime import events

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
SAMPLES = sorted(ROOT.glob("events/*/*"))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("cloud", ["fc", "aws"])
def test_every_function_has_a_sample_event_for_each_cloud(function: str, cloud: str) -> None:
    """By hand, in tests and as documentation: one that is called by the cloud's own trigger, or by hand."""
    assert list((ROOT / "events" / function).glob(f"*.{cloud}.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_sample_is_an_event_of_a_function_that_there_is(path: Path) -> None:
    """`<function>/<trigger>.<cloud>.json`, and the runtime reads it."""
    assert path.parent.name in FUNCTIONS
    assert re.fullmatch(r"[a-z0-9_]+\.(fc|aws)\.json", path.name)
    assert events.decode(path.read_bytes())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_sample_names_nobody(path: Path) -> None:
    """Account ids, addresses and hosts are those that are kept for examples, or this machine's."""
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    addresses = re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text)
    kept = ("127.", "192.0.2.", "198.51.100.", "203.0.113.")
    assert [address for address in addresses if not address.startswith(kept)] == []
    accounts = re.findall(r"(?<!\.)(?<!shardId-)\b(?:\d{12}|\d{16})\b", text)
    assert set(accounts) <= {"111122223333", "123456789012", "1000000000000000"}
