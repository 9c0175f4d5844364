"""Imports go one way, and the hot path stays lean."""

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import logferry

ROOT = Path(__file__).parents[2]
# Cloud software development kits and what belongs to one machine only: never by importing the library.
FORBIDDEN = ("boto3", "botocore", "aliyun", "tablestore", "kafka", "typer", "rich", "starlette", "uvicorn", "pydantic",
             "aiohttp", "zstandard", "logferry_local", "cryptography", "aws_lambda_powertools",
             "cramjam", "snappy", "prometheus_client")  # fmt: skip


def test_the_import_contracts_hold() -> None:
    """The contracts in .importlinter, checked by the tool that knows them."""
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stdout[-2_000:]


def test_every_module_has_its_layer() -> None:
    """A module that no layer names could be imported from anywhere."""
    found = {module.name for module in pkgutil.iter_modules(logferry.__path__, "logferry.")}
    layers = set(
        re.findall(r"\blogferry\.[a-z0-9_]+$", (ROOT / ".importlinter").read_text().replace(" | ", "\n"), re.MULTILINE)
    )
    assert sorted(found - layers) == []


def test_importing_the_engine_imports_no_cloud_kit() -> None:
    """A function that needs no table of a cloud never pays for that cloud's kit."""
    code = (
        "import sys, logferry.calls, logferry.sources.sls, logferry.destinations.splunk_hec, "
        "logferry.destinations.syslog_server, logferry.destinations.http_server, logferry.destinations.kafka, "
        "logferry.signing\n"
        f"print(*sorted(set({FORBIDDEN!r}) & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == ""
