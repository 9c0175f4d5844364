"""docs/security.md: each claim names its proof, and each proof is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
CLAIMS = PAGE.partition("\n## Claims\n")[2].partition("\n## ")[0]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in CLAIMS.splitlines()
    if line.startswith("| ") and not line.startswith(("| claim", "| *"))
]


@cache
def functions(path: str) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_page_has_claims() -> None:
    """A table that cannot be read would prove nothing."""
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_claim_names_proofs_that_are_there(row: tuple[str, ...]) -> None:
    """At least one, each a test function of a file."""
    assert len(row) == 3
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[2])
    assert named
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert name in functions(path), f"{path}::{name}"


def test_no_claim_is_told_twice() -> None:
    """One row each."""
    claims = [row[0] for row in ROWS]
    assert sorted(claims) == sorted(set(claims))


def test_make_check_asks_them_all() -> None:
    """The checks of the tree are part of what CI runs; the audit is not, and the page says so."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    assert "-m checks\n" in f"{check}\n"
    assert "make check" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make audit" not in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "CI does not run it." in PAGE
