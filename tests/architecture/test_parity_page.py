"""docs/esa-parity.md: every parameter of ESA's real-time log delivery has a row, and every proof named there exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/esa-parity.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.replace("\\|", "&#124;").splitlines()
    if line.startswith("| ") and not line.startswith("| ESA")
]
# As the vendor names them: the console's words, and in code type the API's.
PARAMETERS = (
    "Task name", "Log category", "Log Fields", "Sampling Rate", "Filter",
    "SLS Region", "SLS Project", "SLS Logstore", "Authorization (SLS)",
    "Bucket Region (OSS)", "Bucket Name", "Save To", "Authorization (OSS)",
    "Bucket Path", "Bucket Region (S3)", "Encryption Required in Bucket Policy", "Authorize ESA to Upload Files",
    "Requester Pays", "Prove Ownership, Token",
    "S3-compatible Bucket Path", "Bucket Region (S3-compatible)", "Access Key ID", "Secret Access Key", "Endpoint URL",
    "OSS bucket of another account",
    "Delivered To", "Compression Method (HTTP)", "Server Authentication (HTTP)", "PrivateKey", "ExpiredTime",
    "Custom HTTP Request Header", "Custom URI Parameter", "Log Body Prefix", "Log Body Suffix",
    "Kafka Topic", "Broker Address", "Compression Method (Kafka)", "Server Authentication (Kafka)",
    "Authentication Method", "Username", "Password", "Load Balancer",
    "Field Type", "Field Name", "CustomFields",
    "`SiteId`", "`DataCenter`", "`BusinessType`", "`FieldName`", "`DiscardRate`", "`FilterVer`, `FilterRules`",
    "`RawRule`", "`Details`", "`LogSplit`", "`LogSplitWords`", "`LastLogSplit`", "`MaxBatchSize`", "`MaxBatchMB`",
    "`MaxRetry`", "`TransformTimeout`", "`UrlPath`", "`UseTls`", "`S3Cmpt`", "`PrefixPath`", "`ServerSideEncryption`",
    "`VertifyType`", "`Aliuid`", "`Method` (online, offline)", "`PageNumber`, `PageSize`", "update of a task",
    "quota of tasks",
)  # fmt: skip


@cache
def functions(path: str) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_parameter_has_one_row(parameter: str) -> None:
    """Neither forgotten nor told twice."""
    assert [row[0] for row in ROWS].count(parameter) == 1


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row_is_proved_or_says_why_not(row: tuple[str, ...]) -> None:
    """Each proof is a test that is there; a parameter without one says why it is not here."""
    _, here, proof = row
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proof)
    assert named or here.startswith("not here: ")
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert name in functions(path), f"{path}::{name}"
