"""Functions run as the clouds run them: warm instances, time-outs, kills, error bodies."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from logferry.errors import ConfigError
from logferry_local.platforms import Function, driver
from logferry_local.platforms.in_process import InProcess
from logferry_local.platforms.instance import Instance

CODE = Path(__file__).parent / "data/probe"
Start = Callable[..., Instance]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes instances, and ends them after the test."""
    made: list[Instance] = []

    def make(contract: str = "fc", logs: int | None = None, timeout: float = 60, initializer: str = "") -> Instance:
        environ = {"PATH": os.environ["PATH"], "ALIBABA_CLOUD_ACCESS_KEY_ID": "id-1"}
        environ |= {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush", "ALIBABA_CLOUD_SECURITY_TOKEN": "token-1"}
        function = Function(name="probe", code=CODE, timeout=timeout, initializer=initializer)
        made.append(Instance(function, contract, environ, logs))
        return made[-1]

    yield make
    for instance in made:
        instance.close(kill=True)


def fields(reply: object) -> dict[str, Any]:
    """The reply's object, whichever form the cloud gives it."""
    found = json.loads(reply) if isinstance(reply, str) else reply
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_the_same_function_runs_under_each_contract(start: Start, contract: str) -> None:
    """One handler, one event: each contract gives time, key and request id."""
    result = start(contract, timeout=30).invoke(b'{"a": 1}', "r-7")
    found = fields(result.reply)
    assert result.ok
    assert isinstance(result.reply, dict if contract == "aws" else str)
    assert (found["event"], found["request_id"], found["key"]) == ({"a": 1}, "r-7", "id-1")
    assert found["token"] == "token-1"
    assert 20 < found["time_left"] <= 30


def test_an_instance_is_kept_warm(start: Start) -> None:
    """Two calls meet the same process and the initializer ran once."""
    instance = start(initializer="app.initialize")
    first, second = (fields(instance.invoke(b"{}", name).reply) for name in ("r-1", "r-2"))
    assert (second["pid"], second["calls"], second["warm"]) == (first["pid"], 2, 1)


def test_an_exception_is_function_computes_error_body(start: Start) -> None:
    """Message, class and a stack of lists of strings, none of them ours."""
    result = start().invoke(b'{"do": "unfinished"}', "r-1")
    assert not result.ok
    assert (result.reply["errorType"], result.reply["errorMessage"]) == ("Unfinished", "work is left")
    assert result.reply["stackTrace"][-1][-1].startswith("raise errors.Unfinished")
    assert not any("driver.py" in place for entry in result.reply["stackTrace"] for place in entry)


def test_an_exception_is_lambdas_error_body(start: Start) -> None:
    """Message, class, request id and a stack of text lines."""
    result = start("aws").invoke(b'{"do": "unfinished"}', "r-1")
    assert (result.reply["errorType"], result.reply["requestId"]) == ("Unfinished", "r-1")
    assert "raise errors.Unfinished" in result.reply["stackTrace"][-1]


def test_a_call_over_its_timeout_is_killed(start: Start) -> None:
    """The caller gets the platform's word for it, and the next call a new process."""
    instance = start(timeout=0.5)
    before = fields(instance.invoke(b"{}", "r-1").reply)["pid"]
    late = instance.invoke(b'{"do": "sleep"}', "r-2")
    assert not late.ok
    assert "timed out after 0.50 seconds" in late.reply["errorMessage"]
    assert fields(instance.invoke(b"{}", "r-3").reply)["pid"] != before


@pytest.mark.parametrize(("contract", "kind"), [("fc", "UnhandledInvocationError"), ("aws", "Runtime.ExitError")])
def test_a_process_that_ends_is_a_failed_call(start: Start, contract: str, kind: str) -> None:
    """An exit in the middle of a call is an error of that call only."""
    instance = start(contract)
    result = instance.invoke(b'{"do": "crash"}', "r-1")
    assert (result.ok, result.reply["errorType"]) == (False, kind)
    assert "status 3" in result.reply["errorMessage"]
    assert instance.invoke(b"{}", "r-2").ok


def test_an_instance_killed_between_calls_is_replaced(start: Start) -> None:
    """kill -9 of a warm instance costs nothing but a cold start."""
    instance = start()
    instance.invoke(b"{}", "r-1")
    pid = instance.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert fields(instance.invoke(b"{}", "r-2").reply)["calls"] == 1


def test_what_a_function_prints_is_its_log(start: Start, tmp_path: Path) -> None:
    """Printed lines and log lines go to the log, and never into the reply."""
    path = tmp_path / "log"
    with path.open("wb") as log:
        instance = start(logs=log.fileno())
        assert instance.invoke(b'{"do": "print"}', "r-1").ok
        assert instance.invoke(b'{"do": "warn"}', "r-2").ok
        instance.close()
    printed, warned = path.read_text().splitlines()
    assert printed == "a line of the function's own"
    assert json.loads(warned)["request_id"] == "r-2"


def test_a_handler_that_cannot_be_loaded_fails_the_call(tmp_path: Path) -> None:
    """An import error reaches the caller as an error body."""
    (tmp_path / "app.py").write_text("import a_module_that_is_not_there\n")
    instance = Instance(Function(name="broken", code=tmp_path), "fc", {})
    result = instance.invoke(b"{}", "r-1")
    instance.close()
    assert (result.ok, result.reply["errorType"]) == (False, "ModuleNotFoundError")


def test_in_process_answers_alike(start: Start) -> None:
    """The quick way gives the same reply as the faithful one."""
    function = Function(name="probe", code=CODE)
    found, other = InProcess(function, "fc").invoke(b'{"a": 1}', "r-1"), start().invoke(b'{"a": 1}', "r-1")
    assert found.ok
    assert fields(found.reply)["event"] == fields(other.reply)["event"]
    assert InProcess(function, "aws").invoke(b'{"do": "unfinished"}', "r").reply["errorType"] == "Unfinished"


def test_wrong_settings_are_all_listed(tmp_path: Path) -> None:
    """An unknown contract and a missing handler file are told at once."""
    with pytest.raises(ConfigError) as error:
        InProcess(Function(name="probe", code=tmp_path), "azure")
    assert len(error.value.problems) == 2
