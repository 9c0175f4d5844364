"""Metrics of one invocation: in the embedded metric format on Lambda, as JSON lines on Function Compute."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.functions.conftest import Mounted

from logferry import errors, runtime
from logferry.meter import COUNTERS
from logferry.model import Counts, Effort, Lag, Outcome
from logferry.rounds import Visit
from logferry.runtime import Call
from logferry_local.platforms import Function, driver, settings

CODE = Path(__file__).parent / "data/probe"
# Two streams of one task that is behind, and one task that is held.
VISIT = Visit(
    {
        ("waf", "0"): Outcome(task="waf", stream="0", counts=Counts(read=5, delivered=4, parked=1),
                              effort=Effort(batches=1, bytes=700), finished=False, note="out of time"),
        ("waf", "1"): Outcome(task="waf", stream="1", counts=Counts(read=2, delivered=2),
                              effort=Effort(batches=1, bytes=300, retries=2)),
    },
    {"cdn": "HTTP 401"},
    {("waf", "0"): Lag(seconds=400.0, left=2000.0, over=True)},
)  # fmt: skip
WAF = {"read": 7, "delivered": 6, "parked": 1, "batches": 2, "bytes": 1000, "retries": 2, "held": 0,
       "lag_seconds": 400, "lag_over_max": 1, "retention_left_seconds": 2000}  # fmt: skip


def context(contract: str) -> object:
    """The handler's second argument as that platform makes it."""
    function = Function(name="stack-sweep", code=CODE, timeout=30)
    return driver.context({**settings(function, contract), "key": ["id", "key", "token"]}, {"request_id": "r-1"})


def told(contract: str, capsys: pytest.CaptureFixture[str], error: Exception | None = None) -> list[dict[str, Any]]:
    """What one call that made the visit writes."""

    def function(call: Call) -> Mapping[str, object]:
        call.meter.observe(VISIT)
        if error:
            raise error
        return {}

    handler = runtime.entry(function, environ={})
    event: object = {} if contract == "aws" else b"{}"
    if error:
        with pytest.raises(type(error)):
            handler(event, context(contract))
    else:
        handler(event, context(contract))
    written = capsys.readouterr()
    return [json.loads(line) for line in (written.out + written.err).splitlines()]


def test_lambda_writes_what_cloudwatch_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a task: name space, dimensions, units, values; what did not happen costs no metric."""
    waf, cdn = told("aws", capsys)
    (directive,) = waf["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("logferry", [["function", "task"], ["function"]])
    assert (waf["function"], waf["task"], waf["request_id"]) == ("stack-sweep", "waf", "r-1")
    assert {found["Name"]: waf[found["Name"]] for found in directive["Metrics"]} == {k: [v] for k, v in WAF.items()}
    units = {found["Name"]: found["Unit"] for found in directive["Metrics"]}
    assert (units["bytes"], units["lag_seconds"], units["read"]) == ("Bytes", "Seconds", "Count")
    assert (cdn["task"], cdn["held"], "read" in cdn) == ("cdn", [1.0], False)


def test_function_compute_writes_one_line_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has every counter, whatever the log level, and each gauge that is known."""
    waf, cdn = told("fc", capsys)
    wanted = {"level": "info", "message": "task metrics", "function": "stack-sweep", "task": "waf", "request_id": "r-1"}
    assert (wanted | WAF).items() <= waf.items()
    assert set(waf) == {"time", "logger", *wanted, *WAF, *COUNTERS}
    assert (cdn["task"], cdn["held"], cdn["read"], "lag_seconds" in cdn) == ("cdn", 1, 0, False)


@pytest.mark.parametrize("contract", ["fc", "aws"])
def test_a_call_that_fails_tells_what_it_delivered(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unfinished range raises, and what was settled before is counted all the same."""
    found = told(contract, capsys, errors.Unfinished("work is left"))
    assert [line["task"] for line in found if "task" in line] == ["waf", "cdn"]
    assert [line["reason"] for line in found if "reason" in line] == ["work is left"]


def test_metrics_that_cannot_be_written_break_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Trouble with the metrics costs the metrics, not the call."""

    class Broken:
        aws_request_id = "r-1"

        def get_remaining_time_in_millis(self) -> int:
            return 1000

        @property
        def function_name(self) -> str:
            raise OSError("?")

    def function(call: Call) -> Mapping[str, object]:
        call.meter.observe(VISIT)
        return {"finished": True}

    assert runtime.entry(function, environ={})({}, Broken()) == {"finished": True}
    assert json.loads(capsys.readouterr().err)["message"] == "metrics not written"


@pytest.mark.parametrize(("contract", "expected"), [("fc", "False False"), ("aws", "False True")])
def test_the_metrics_library_is_loaded_after_the_work_and_on_lambda_only(contract: str, expected: str) -> None:
    """No delivery waits for it."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from logferry import runtime
from tests.functions.test_runtime_metrics import VISIT, context
for name in [name for name in sys.modules if name.startswith("aws_lambda_powertools")]:
    del sys.modules[name]
def function(call):
    call.meter.observe(VISIT)
    global early
    early = "aws_lambda_powertools" in sys.modules
    return {{}}
runtime.entry(function, environ={{}})({{}} if {contract!r} == "aws" else b"{{}}", context({contract!r}))
print(early, "aws_lambda_powertools" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.splitlines()[-1] == expected


def test_the_layer_for_lambda_holds_what_the_metrics_need(mounted: Mounted, tmp_path: Path) -> None:
    """All but jmespath, which comes with the boto3 of Lambda's runtime; nothing else of this machine is on the path."""
    found = importlib.util.find_spec("jmespath")
    assert found is not None
    assert found.origin is not None
    shutil.copytree(Path(found.origin).parent, tmp_path / "jmespath")
    code = f"""
import sys
sys.path[:0] = [{str(mounted.place / "opt/python")!r}, {str(tmp_path)!r}]
from logferry.runtime import aws
aws.tell(None, "r-1", {{"waf": {{"held": 1, "read": 5}}}})
"""
    run = subprocess.run(
        [mounted.python, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.stderr == ""
    assert json.loads(run.stdout)["held"] == [1.0]
