"""docs/state.md names every kind of place, its form, its options and its limits."""

from pathlib import Path

import pytest

from logferry import registry
from logferry.objects import _keys
from logferry.state import _rows

PAGE = (Path(__file__).parents[2] / "docs/state.md").read_text(encoding="utf-8")
KINDS = [(room, name) for room in ("state", "objects") for name in registry.names(room)]


@pytest.mark.parametrize(("room", "name"), KINDS)
def test_every_kind_is_on_the_page_with_its_options(room: str, name: str) -> None:
    """Its form, and each option in backticks."""
    module = registry.find(room, name)
    assert f"| `{module.FORM}` |" in PAGE
    assert [option for option in module.OPTIONS if f"| `{option}` |" not in PAGE] == []


def test_every_example_is_a_place() -> None:
    """What the page exports opens (nothing is sent by that)."""
    lines = [line for line in PAGE.splitlines() if line.startswith("export LOGFERRY_")]
    assert len(lines) > 4
    for line in lines:
        name, _, url = line.removeprefix("export ").partition("=")
        registry.locate({"LOGFERRY_STATE": "state", "LOGFERRY_OBJECTS": "objects"}[name], url.strip("'"))


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    """Sizes of keys and values."""
    assert f"1 to {_rows.MAX_KEY:,} bytes" in PAGE
    assert f"at most {_rows.MAX_VALUE:,} bytes" in PAGE
    assert f"1 to {_keys.MAX_KEY} bytes" in PAGE
    assert f"at most {_keys.MAX_PART} bytes" in PAGE
    assert f"at most {_keys.MAX_BODY // 2**20} MiB" in PAGE
