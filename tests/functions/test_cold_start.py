"""What a cold start of each function loads: never what it does not need, and never more than so many modules.

The list is what counts: it is the same on every machine, where times are not (these: `make bench ARGS=cold`).
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
# Never at a start: a cloud's SDK, an HTTP library, mail (http.client loads it), YAML, what only mistakes need.
NEVER = frozenset((
    "aiohttp", "aliyun", "asyncio", "aws_lambda_powertools", "boto3", "botocore", "charset_normalizer", "difflib",
    "email", "http", "idna", "kafka", "logferry_local", "multiprocessing", "pydantic", "re2", "requests", "rich",
    "starlette", "tablestore", "tempfile", "typer", "unittest", "urllib3", "uvicorn", "xml", "yaml", "zstandard",
))  # fmt: skip
# The signer's verdict needs neither log formats nor a network.
NOT_TO_VERIFY = NEVER | {"concurrent", "google", "isal", "lz4", "orjson", "sqlite3", "ssl", "socket"}
# Modules in all after the first call's imports, a bare interpreter's thirty among them; a tenth above what it was.
MOST = {"forward": 330, "sweep": 330, "replay": 330, "receive": 300, "prove_ownership": 320, "verify_request": 150}
_SLS_TO_HEC = (
    "import logferry.destinations.splunk_hec, logferry.encoders.hec, logferry.sls.codec, logferry.objects.folder\n"
    "from logferry.sls.schema import schema; schema()\n"
)
_SQLITE = "import logferry.state.sqlite\n"
_DYNAMO = "from logferry import state; state.open_table('dynamodb:t?region=eu-central-1').close()\n"
FIRST_CALL = {
    "forward": _SLS_TO_HEC + _DYNAMO, "sweep": _SLS_TO_HEC + _SQLITE, "replay": _SLS_TO_HEC + _SQLITE,
    "receive": "import logferry.destinations.splunk_hec, logferry.encoders.hec\n" + _SQLITE,
    "prove_ownership": _SQLITE, "verify_request": "",
}  # fmt: skip


def loaded(name: str, *, more: str = "") -> list[str]:
    """The modules after the function was imported and initialised, as a platform does it."""
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'functions' / name)!r}]; import app; app.initialize(None)\n{more}"
        "import sys; before = sorted(sys.modules); import json; print(json.dumps(before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_start_loads_nothing_that_it_does_not_need(name: str) -> None:
    """Up to its first call, with a table in DynamoDB for `forward`: no SDK, no HTTP library."""
    roots = {module.partition(".")[0] for module in loaded(name, more=FIRST_CALL[name])}
    assert not roots & (NOT_TO_VERIFY if name == "verify_request" else NEVER)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_start_stays_small(name: str) -> None:
    """A module more is a fifth of a millisecond on a fast machine, and ten times that on a small function."""
    assert len(loaded(name, more=FIRST_CALL[name])) <= MOST[name]


def test_imports_of_a_function_are_not_searched_for_garbage() -> None:
    """The collector is off while they are loaded, on again afterwards, and they are out of its sight."""
    code = (
        f"import gc, sys; sys.path[:0] = [{str(ROOT / 'functions/forward')!r}]; import app\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True"]
