"""The built zips under AWS's own runtime interface client, against a Runtime API of ours: what Lambda does to them."""

import http.client
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.functions.conftest import Mounted
from tests.functions.place import delivering

from logferry_local.packaging import slim
from logferry_local.platforms import Function
from logferry_local.platforms.lambda_instance import MAX_EVENT, LambdaInstance, client_folder
from logferry_local.platforms.runtime_api import MAX_REPLY, Ending, Invocation, RuntimeApi

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


class Start(Protocol):
    """Makes an instance of the probe, or of another function."""

    def __call__(
        self, function: Function | None = None, *, timeout: float = 60, logs: int | None = None
    ) -> LambdaInstance:
        """Not started yet."""
        ...


@pytest.fixture
def start(mounted: Mounted, lambda_client: Path) -> Iterator[Start]:
    """Ends its instances after the test."""
    shutil.copytree(PROBE, mounted.place / "code/probe", dirs_exist_ok=True)
    made: list[LambdaInstance] = []

    def make(function: Function | None = None, *, timeout: float = 60, logs: int | None = None) -> LambdaInstance:
        given = function or mounted.function("probe", timeout=timeout)
        made.append(LambdaInstance(given, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id-1"}, lambda_client, logs))
        return made[-1]

    yield make
    for instance in made:
        instance.close()


def test_a_function_is_told_of_its_call(start: Start) -> None:
    """Event, request id and the time left come through the client as through the model of it."""
    result = start(timeout=30).invoke(b'{"a": 1}', "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
    assert result.ok, result.reply
    assert (result.reply["event"], result.reply["request_id"]) == ({"a": 1}, "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
    assert 20 < result.reply["time_left"] <= 30


def test_several_calls_meet_one_warm_process(start: Start) -> None:
    """The process stays, and counts its calls."""
    instance = start()
    replies = [instance.invoke(b"{}", f"r-{number}").reply for number in range(3)]
    assert [reply["calls"] for reply in replies] == [1, 2, 3]
    assert len({reply["pid"] for reply in replies}) == 1


def test_an_exception_is_lambdas_error_and_the_instance_stays(start: Start) -> None:
    """Class, message and stack reach the caller; the next call needs no cold start."""
    instance = start()
    pid = instance.invoke(b"{}", "r-1").reply["pid"]
    failed = instance.invoke(b'{"do": "unfinished"}', "r-2")
    assert (failed.ok, failed.reply["errorType"], failed.reply["errorMessage"]) == (False, "Unfinished", "work is left")
    assert any("raise errors.Unfinished" in line for line in failed.reply["stackTrace"])
    assert instance.invoke(b"{}", "r-3").reply["pid"] == pid


def test_a_call_over_its_timeout_ends_the_process(start: Start) -> None:
    """The caller is told how long it had; the next call meets a new process."""
    instance = start(timeout=0.5)
    pid = instance.invoke(b"{}", "r-1").reply["pid"]
    late = instance.invoke(b'{"do": "sleep"}', "r-2")
    assert (late.ok, late.reply["errorType"]) == (False, "Sandbox.Timedout")
    assert late.reply["errorMessage"] == "RequestId: r-2 Error: Task timed out after 0.50 seconds"
    assert instance.invoke(b"{}", "r-3").reply["pid"] != pid


def test_a_process_that_ends_is_a_failed_call(start: Start) -> None:
    """Its status is told; the next call works."""
    instance = start()
    ended = instance.invoke(b'{"do": "crash"}', "r-1")
    assert (ended.ok, ended.reply["errorType"]) == (False, "Runtime.ExitError")
    assert "status 3" in ended.reply["errorMessage"]
    assert instance.invoke(b"{}", "r-2").ok


def test_a_killed_process_is_replaced(start: Start) -> None:
    """kill -9 between two calls costs a cold start."""
    instance = start()
    pid = instance.invoke(b"{}", "r-1").reply["pid"]
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert instance.invoke(b"{}", "r-2").reply["calls"] == 1


def test_a_handler_that_cannot_be_imported_is_told(start: Start, mounted: Mounted, tmp_path: Path) -> None:
    """The client's own word for it; a mended function works at the next call."""
    app = tmp_path / "app.py"
    app.write_text("import a_module_that_is_not_there\n")
    instance = start(Function(name="broken", code=tmp_path, bare=True, python=mounted.python))
    failed = instance.invoke(b"{}", "r-1")
    assert (failed.ok, failed.reply["errorType"]) == (False, "Runtime.ImportModuleError")
    assert "a_module_that_is_not_there" in failed.reply["errorMessage"]
    app.write_text("def handler(event, context):\n    return {'arn': context.invoked_function_arn}\n")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    assert instance.invoke(b"{}", "r-2").reply == {"arn": "arn:aws:lambda:us-east-1:111122223333:function:broken"}


def test_a_reply_over_the_limit_is_refused(start: Start) -> None:
    """6 MB pass, more is an error of that call; the next one works."""
    instance = start()
    fits = instance.invoke(json.dumps({"do": "large", "bytes": MAX_REPLY - 100}).encode(), "r-1")
    assert fits.ok
    failed = instance.invoke(json.dumps({"do": "large", "bytes": MAX_REPLY}).encode(), "r-2")
    assert (failed.ok, failed.reply["errorType"]) == (False, "Function.ResponseSizeTooLarge")
    assert instance.invoke(b"{}", "r-3").ok


def test_an_event_over_the_limit_is_not_delivered(start: Start) -> None:
    """The caller is told, and no process is started for it."""
    instance = start()
    refused = instance.invoke(b'"' + b"x" * MAX_EVENT + b'"', "r-1")
    assert (refused.ok, refused.reply["errorType"], instance.pid) == (False, "RequestTooLargeException", None)


def test_printed_lines_are_the_log(start: Start, tmp_path: Path) -> None:
    """What the function prints and logs is in the log and not in the reply."""
    with (tmp_path / "log").open("wb") as log:
        instance = start(logs=log.fileno())
        assert instance.invoke(b'{"do": "print"}', "r-1").ok
        assert instance.invoke(b'{"do": "warn"}', "r-2").ok
        instance.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert "a line of the function's own" in lines
    assert [json.loads(line)["request_id"] for line in lines if '"slow"' in line] == ["r-2"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_handler_is_loaded(start: Start, mounted: Mounted, name: str) -> None:
    """An event that is none is each function's own error: so its handler was imported from its zips, and called."""
    result = start(mounted.function(name, timeout=30)).invoke(b"[]", "r-1")
    kind = result.reply.get("errorType", "") if isinstance(result.reply, dict) else ""
    assert kind not in ("Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Sandbox.Timedout", "Runtime.ExitError")
    assert "No module named" not in json.dumps(result.reply)
    assert name in slim.SELF_CONTAINED or result.reply


def test_forward_delivers(mounted: Mounted, lambda_client: Path, tmp_path: Path) -> None:
    """A real log store and a real receiver, between them the zips and AWS's client: each log arrives once."""
    with delivering(tmp_path) as delivery:
        delivery.place.put(0, "a", "b")
        delivery.place.put(1, "c")
        instance = LambdaInstance(mounted.function("forward", timeout=30.0), delivery.environ, lambda_client)
        results = [instance.invoke(delivery.event(shard), f"r-{shard}") for shard in (0, 0, 1)]
        instance.close()
        assert [result.ok for result in results] == [True] * 3, results
        assert delivery.received() == ["a", "b", "c"]


def test_the_api_takes_one_answer_a_call() -> None:
    """A second answer, one for another call and an unknown path are refused, as the service does."""
    api = RuntimeApi()
    try:
        api.offer(Invocation("r-1", b"{}", "arn", 5.0))
        connection = http.client.HTTPConnection(api.address, timeout=5)
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        given = connection.getresponse()
        assert (given.status, given.read(), given.headers["Lambda-Runtime-Aws-Request-Id"]) == (200, b"{}", "r-1")
        assert int(given.headers["Lambda-Runtime-Deadline-Ms"]) > 0
        found = []
        for path in ("r-2/response", "r-1/response", "r-1/error", "r-1/other"):
            connection.request("POST", f"/2018-06-01/runtime/invocation/{path}", b'{"x": 1}')
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
        connection.close()
        assert found == [400, 202, 400, 404]
        assert api.wait(0) == Ending("response", {"x": 1})
    finally:
        api.close()


def test_the_client_is_found_where_it_is_installed() -> None:
    """`logferry invoke --cloud awslambdaric` uses the one beside it."""
    pytest.importorskip("awslambdaric")
    found = client_folder()
    assert found is not None
    assert (found / "awslambdaric/bootstrap.py").is_file()
