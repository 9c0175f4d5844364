"""Files and functions stay small; who is larger is named here with the reason."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("layers/core/python", "local", "functions", "agent")
MAX_FILE, MAX_FUNCTION, MAX_MEDIAN = 250, 50, 110
LARGE: dict[str, str] = {}

FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_stay_small(path: Path) -> None:
    """At most 250 lines a file and 50 a function."""
    text = path.read_text(encoding="utf-8")
    limit = MAX_FILE if str(path.relative_to(ROOT)) not in LARGE else 10**6
    assert text.count("\n") <= limit
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in nodes}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}


def test_the_median_file_is_small() -> None:
    """Half of the files are read in a minute."""
    sizes = sorted(path.read_text(encoding="utf-8").count("\n") for path in FILES)
    assert sizes[len(sizes) // 2] <= MAX_MEDIAN
