"""docs/spl.md says what the embedded log store serves: its functions, its mistakes, its examples."""

import re
from pathlib import Path

import pytest
import yaml

from logferry_local.spl import SplError, compile_query
from logferry_local.spl.program import MAX_BYTES
from logferry_local.spl.signatures import ARGUMENTS, TYPES

PAGE = (Path(__file__).parents[2] / "docs/spl.md").read_text(encoding="utf-8")
MISTAKES = re.findall(r"^invalid query: (.*)$", PAGE, re.MULTILINE)


def test_every_function_and_type_is_named() -> None:
    """What the page does not name does not exist for the reader."""
    assert [name for name in ARGUMENTS if not re.search(rf"`{name}[`(]", PAGE)] == []
    assert [name for name in TYPES if f"`{name}`" not in PAGE] == []


def test_no_other_function_is_promised() -> None:
    """Each call in the table of functions is served."""
    table = PAGE.partition("| function | |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)[`(]", table)) - set(TYPES)
    assert named == set(ARGUMENTS)


def test_examples_can_be_run() -> None:
    """The task's query compiles."""
    [block] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(compile_query(yaml.safe_load(block)["source"]["sls"]["query"]).steps) == 2


@pytest.mark.parametrize(
    ("query", "says"),
    list(zip(["* | wher status = '403'", "* | extend b = cast(a as money)"], MISTAKES, strict=True)),
)
def test_mistakes_read_as_shown(query: str, says: str) -> None:
    """The messages on the page are the real ones."""
    with pytest.raises(SplError, match=f"^{re.escape(says)}$"):
        compile_query(query)


def test_limits_are_those_of_the_page() -> None:
    """10 KB and 16 instructions."""
    assert f"{MAX_BYTES // 1024} KB a query, 16 instructions" in PAGE
    compile_query("*" + " | where true" * 16)
