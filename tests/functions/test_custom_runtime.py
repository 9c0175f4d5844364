"""Function Compute's protocol for custom runtimes and containers, spoken to a function as the platform speaks it."""

import http.client
import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fakes.serving import serve

from logferry.errors import ConfigError
from logferry_local.platforms import Function
from logferry_local.serving.custom_runtime import CustomRuntime
from logferry_local.serving.listener import Address, Listener

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"
SAID = {
    "x-fc-request-id": "1-69550d05-1", "x-fc-function-name": "probe-on-fc", "x-fc-function-timeout": "30",
    "x-fc-function-memory": "512", "x-fc-region": "cn-hangzhou", "x-fc-account-id": "1098700000004321",
    "x-fc-access-key-id": "id-7", "x-fc-access-key-secret": "hush-7", "x-fc-security-token": "token-7",
}  # fmt: skip


class Answered(NamedTuple):
    """What the platform gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Served:
    """A custom runtime in this process, with the lines and keys that it set."""

    def __init__(self, code: Path) -> None:
        self.lines: list[str] = []
        self.environ: dict[str, str] = {}
        self._runtime = CustomRuntime(Function(name="probe", code=code), self.environ, self.lines.append)
        self._listener = Listener(self._runtime, Address())
        self.port = int(self._listener.address.rpartition(":")[2])

    def ask(self, control: str, body: bytes = b"", method: str = "POST", path: str = "") -> Answered:
        """As the platform asks: with its headers."""
        return ask(self.port, method, path or control, body, {**SAID, "x-fc-control-path": control})

    def close(self) -> None:
        """Server and threads."""
        self._listener.close()
        self._runtime.close()


def ask(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answered:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        found = connection.getresponse()
        return Answered(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
    finally:
        connection.close()


@pytest.fixture
def probe() -> Iterator[Served]:
    """The probe function, served."""
    served = Served(PROBE)
    yield served
    served.close()


def test_an_event_is_the_body_and_the_reply_too(probe: Served) -> None:
    """The handler gets bytes, request id and time-out; `x-fc-status` says that it went well."""
    found = probe.ask("/invoke", b'{"a": 1}')
    reply = json.loads(found.body)
    assert (found.status, found.headers["x-fc-status"]) == (200, "200")
    assert (reply["event"], reply["request_id"]) == ({"a": 1}, "1-69550d05-1")
    assert 20 < reply["time_left"] <= 30


def test_an_exception_is_told_by_status_header_and_body(probe: Served) -> None:
    """404 twice, and the body has class, message and stack: that is what makes the platform call again."""
    found = probe.ask("/invoke", b'{"do": "unfinished"}')
    error = json.loads(found.body)
    assert (found.status, found.headers["x-fc-status"]) == (404, "404")
    assert (error["errorType"], error["errorMessage"]) == ("Unfinished", "work is left")
    assert error["stackTrace"][-1][-1].startswith("raise errors.Unfinished")
    assert probe.ask("/invoke", b"{}").status == 200


def test_the_initializer_runs_before_the_first_call(probe: Served) -> None:
    """Once, with a context; the calls that follow see what it did."""
    assert probe.ask("/initialize").status == 200
    assert json.loads(probe.ask("/invoke", b"{}").body)["warm"] == 1


def test_a_failed_initializer_is_told(tmp_path: Path) -> None:
    """The platform then gives the instance up."""
    (tmp_path / "app.py").write_text("def initialize(context):\n    raise RuntimeError('no')\ndef handler(e, c): ...\n")
    served = Served(tmp_path)
    found = served.ask("/initialize")
    served.close()
    assert (found.status, found.headers["x-fc-status"], json.loads(found.body)["errorMessage"]) == (404, "404", "no")


def test_before_it_stops_the_platform_asks(probe: Served) -> None:
    """There is nothing to do, and that is said."""
    assert probe.ask("/pre-stop", method="GET").status == 200
    assert probe.lines == ["FC PreStop Start RequestId: 1-69550d05-1", "FC PreStop End RequestId: 1-69550d05-1"]


def test_the_log_is_cut_by_start_and_end(probe: Served) -> None:
    """Each call lies between two lines with its request id; a failed one says so."""
    probe.ask("/invoke", b"{}")
    probe.ask("/invoke", b'{"do": "unfinished"}')
    assert probe.lines == [
        "FC Invoke Start RequestId: 1-69550d05-1", "FC Invoke End RequestId: 1-69550d05-1",
        "FC Invoke Start RequestId: 1-69550d05-1",
        "FC Invoke End RequestId: 1-69550d05-1, Error: Unhandled function error",
    ]  # fmt: skip


def test_a_requests_key_replaces_the_older_one(probe: Served) -> None:
    """The role's key changes: the newest is in the environment under the usual names; half a key changes nothing."""
    probe.ask("/invoke", b"{}")
    whole = dict(probe.environ)
    assert whole == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "id-7", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush-7",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "token-7",
    }  # fmt: skip
    ask(probe.port, "POST", "/invoke", b"{}", {"x-fc-access-key-id": "other"})
    assert probe.environ == whole


def test_a_request_of_a_trigger_comes_as_it_was(tmp_path: Path) -> None:
    """Method, path, query as it was sent, body; none of the platform's headers; the reply is a response."""
    (tmp_path / "app.py").write_text(
        "import base64, json\n"
        "def handler(event, context):\n"
        "    found = json.loads(event)\n"
        "    shown = [found['rawPath'], found['rawQueryString'], found['requestContext']['http']['method']]\n"
        "    shown += [base64.b64decode(found['body']).hex(), [n for n in found['headers'] if n.startswith('x-fc')]]\n"
        "    return json.dumps({'statusCode': 202, 'headers': {'X-A': 'b'}, 'isBase64Encoded': True,\n"
        "                       'body': base64.b64encode(json.dumps(shown).encode()).decode()})\n"
    )
    served = Served(tmp_path)
    found = served.ask("/http-invoke", b"\x1f\x8b\xff", path="/in%20voke?auth_key=1-2-3&x=%2C")
    served.close()
    assert (found.status, found.headers["x-a"]) == (202, "b")
    assert json.loads(found.body) == ["/in%20voke", "auth_key=1-2-3&x=%2C", "POST", "1f8bff", []]


def test_a_strangers_path_is_no_event(probe: Served) -> None:
    """What came through the HTTP trigger stays a request, even if its path is /invoke."""
    reply = json.loads(probe.ask("/http-invoke", b'{"do": "print"}', path="/invoke").body)
    assert reply["event"]["rawPath"] == "/invoke"


def test_a_failure_of_a_request_says_nothing(tmp_path: Path) -> None:
    """500 and an empty body, since whoever called may be anybody; the platform is told by its header."""
    (tmp_path / "app.py").write_text("def handler(event, context):\n    raise RuntimeError('the secret place')\n")
    served = Served(tmp_path)
    found = served.ask("/http-invoke", b"", path="/x")
    served.close()
    assert (found.status, found.body, found.headers["x-fc-status"]) == (500, b"", "404")


def test_a_body_over_the_limit_is_refused(probe: Served) -> None:
    """32 MB, the platform's own limit, and no more is kept in memory."""
    assert probe.ask("/invoke", b" " * (32 * 1024 * 1024 + 1)).status == 413


def test_a_function_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    """At the start, by what is wrong with it."""
    (tmp_path / "app.py").write_text("import a_module_that_is_not_there\n")
    with pytest.raises(ConfigError, match="No module named 'a_module_that_is_not_there'"):
        CustomRuntime(Function(name="broken", code=tmp_path))


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    """A request's key reaches the function; its log is on standard output; SIGTERM ends it with 0."""
    with serve(tmp_path, {"FC_SERVER_PORT": "1"}, "function", "probe", "--code", str(PROBE)) as served:
        found = ask(served.port, "POST", "/invoke", b'{"do": "print"}', SAID)
        assert json.loads(found.body)["key"] == "id-7"
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
        assert served.process.stdout is not None
        lines = served.process.stdout.read().splitlines()
    assert "FC Invoke Start RequestId: 1-69550d05-1" in lines
    assert "a line of the function's own" in lines + served.said().splitlines()
