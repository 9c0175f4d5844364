"""docs/python-api.md: its blocks run, and every public method of `Control` is in its table."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry

from logferry.control import Control

PAGE = (Path(__file__).parents[2] / "docs/python-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A log store."""
    with ferry(tmp_path) as made:
        yield made


@pytest.mark.parametrize("block", BLOCKS, ids=["control", "sweep"])
def test_the_page_runs(
    boat: Ferry, block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With this log store's address in place of the page's."""
    for name, value in boat.environ.items():
        monkeypatch.setenv(name, value)
    text = block.replace("http://127.0.0.1:8070", boat.address).replace("project: waf-demo", f"project: {PROJECT}")
    code = compile(text.replace("logstore: waf-logstore", f"logstore: {LOGSTORE}"), "python-api.md", "exec")
    exec(code, {"__name__": "page"})  # noqa: S102  # the page's own example
    said = capsys.readouterr().out
    assert "new 1 [" in said or "'finished': True" in said


def test_every_method_is_in_the_table() -> None:
    """And none that is gone."""
    methods = {name for name in vars(Control) if not name.startswith("_")}
    table = {name for row in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)\(", row)}
    assert methods == table
