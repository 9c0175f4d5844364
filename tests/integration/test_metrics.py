"""What operators see of real deliveries: the functions' metrics, the worker's, and status beside it, agree."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.ferry import Ferry, ferry
from tests.fakes.worker import Process, eventually, worker

from logferry import calls, runtime, wiring
from logferry.delivery import Patience
from logferry_local.platforms import Function, driver, settings
from logferry_local.sinks import hec
from logferry_local.status_report import Line, look

CODE = Path(__file__).parents[2] / "functions/sweep"


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """A logstore of two shards."""
    with ferry(tmp_path, shards=2) as made:
        yield made


def swept(boat: Ferry, contract: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines with metrics that one call of `sweep` writes."""
    function = Function(name="sweep", code=CODE, timeout=30)
    context = driver.context(settings(function, contract), {"request_id": "r-1"})
    runtime.entry(calls.sweep, environ=boat.environ)({} if contract == "aws" else b"{}", context)
    written = capsys.readouterr()
    return [line for text in (written.out + written.err).splitlines() if "read" in (line := json.loads(text))]


@pytest.mark.parametrize("contract", ["aws", "fc"])
def test_a_sweeps_metrics_are_the_ledgers_counts(
    boat: Ferry, contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every record by its fate; the end is reached, so nothing is late."""
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000))
    boat.put(90)
    boat.put(1, big="x" * 3_000)
    (line,) = swept(boat, contract, capsys)
    found = {name: value[0] if isinstance(value, list) else value for name, value in line.items()}
    counts = boat.verified("to-hec")
    assert (found["read"], found["delivered"], found["parked"]) == (91, 90, 1)
    assert (counts.read, counts.delivered, counts.parked) == (91, 90, 1)
    assert (found["held"], found["lag_seconds"], found["lag_over_max"]) == (0, 0, 0)
    assert found["bytes"] > 91 * 20
    assert (found["task"], found["function"]) == ("to-hec", "sweep")


def scraped(one: Process) -> tuple[dict[tuple[str, ...], float], dict[str, Any]]:
    """Samples by name and labels, and the health page."""
    match = re.search(r"metrics on (http://\S+)/metrics", one.said)
    assert match is not None
    text = requests.get(f"{match[1]}/metrics", timeout=10).text
    order = ("task", "fate")
    samples: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *(sample.labels[label] for label in order if label in sample.labels))
            samples[key] = samples.get(key, 0) + sample.value
    return samples, requests.get(f"{match[1]}/healthz", timeout=10).json()


def status(boat: Ferry, seconds: float = 60.0) -> list[Line]:
    """What `logferry status` shows now, with so much time for questions."""
    patience = Patience(lambda: seconds, time.time, lambda _seconds: None, lambda: 0.5)
    return look(wiring.workshop(boat.environ), [], patience, ask=True).lines


def test_a_workers_counters_are_the_ledgers_counts(boat: Ferry) -> None:
    """Both shards together; status agrees, and shows no trouble."""
    boat.hec()
    boat.put(300)
    with worker(boat, "to-hec", "--metrics-port", "0") as one:
        eventually(lambda: scraped(one)[0].get(("logferry_records_total", "to-hec", "delivered"), 0) == 300)
        assert scraped(one)[0]["logferry_held", "to-hec"] == 0
        assert sum(line.delivered for line in status(boat)) == boat.verified("to-hec").delivered == 300
        assert [line.problem for line in status(boat)] == ["", ""]
        assert [line.lag for line in status(boat)] == [0, 0]
        assert [line.lag for line in status(boat, seconds=0)] == [None, None]  # no time to ask, and no waiting for it


def test_a_refused_token_shows_everywhere(boat: Ferry) -> None:
    """The task is held: in the metric, on the health page, in status, and in a log line of level error."""
    boat.hec(sink=hec.Options(token="another"))
    boat.put(50)
    with worker(boat, "to-hec", "--metrics-port", "0") as one:
        eventually(lambda: scraped(one)[0].get(("logferry_held", "to-hec"), 0) == 1)
        assert scraped(one)[1] == {"alive": True, "held": ["to-hec"]}
        assert {line.state for line in status(boat)} == {"unhealthy"}
        assert all(line.problem.startswith("held: ") for line in status(boat))
        told = [json.loads(text) for text in one.log.read_text(encoding="utf-8").splitlines()]
        assert {line["level"] for line in told if line["message"] == "task held"} == {"error"}
        assert scraped(one)[0]["logferry_records_total", "to-hec", "delivered"] == 0


def test_a_dead_destination_makes_the_task_late(boat: Ferry) -> None:
    """Errors are counted, the lag passes the task's patience; log lines say so as warnings, for nothing is lost."""
    boat.apply("to-hec", {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/HEC_TOKEN"}}, max_lag="1s")
    boat.put(50)
    with worker(boat, "to-hec", "--metrics-port", "0") as one:
        eventually(lambda: scraped(one)[0].get(("logferry_lag_over_max", "to-hec"), 0) >= 1)
        samples, _ = scraped(one)
        assert samples["logferry_errors_total", "to-hec"] >= 1
        assert samples["logferry_retention_left_seconds", "to-hec"] > 3_600
        assert any(line.lag_over_max and "is over max_lag" in line.problem for line in status(boat))
        told = [json.loads(text) for text in one.log.read_text(encoding="utf-8").splitlines()]
    levels = {line["message"]: line["level"] for line in told}
    assert (levels["delivery is delayed"], levels["lag over max_lag"]) == ("warning", "warning")
    assert "error" not in levels.values()
