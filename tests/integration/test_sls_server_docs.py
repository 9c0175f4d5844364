"""docs/embedded-sls.md says what the commands and the store do, and its example runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.fakes.sls import KEY_ID, SECRET

from logferry.vault import Secret
from logferry_local.cli import app
from logferry_local.sls_server import serving

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/embedded-sls.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["serve", "put"])
def test_every_option_is_documented(command: str) -> None:
    """An option that the page does not name does not exist for the reader."""
    found = typer.main.get_command(app()).commands["sls"].commands[command]  # type: ignore[attr-defined]  # groups
    options = {name for parameter in found.params for name in [*parameter.opts, *parameter.secondary_opts]}
    named = {name for name in options if name.startswith("--") and name != "--help"}
    assert len(named) >= 6
    assert {name for name in named if f"`{name}`" not in PAGE} == set()


def test_every_error_code_is_documented() -> None:
    """The page lists each code that the store answers with, and no other."""
    source = "".join(path.read_text() for path in (ROOT / "local/logferry_local/sls_server").glob("*.py"))
    codes = set(re.findall(r'Refusal\(\s*\d+,\s*"(\w+)"', source))
    codes |= {f"{word}{code}" for code in re.findall(r'"(Content\w+)"\)', source) for word in ("Missing", "Invalid")}
    table = PAGE.partition("## Error codes")[2].partition("`MissingContentMD5`, its")[0]
    assert set(re.findall(r"`(\w+)`", table)) == codes


def test_example_runs(tmp_path: Path) -> None:
    """The SDK example prints the field that it has put."""
    found = re.search(r"```python\n(?P<text>.*?)```", PAGE, re.DOTALL)
    assert found is not None
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with serving(tmp_path, {KEY_ID: Secret(SECRET)}) as address:
        environ |= {"STORE": address, "SLS_AK_ID": KEY_ID, "SLS_AK_KEY": SECRET, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-c", found["text"]], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.stdout == "warn\n", done.stderr
