"""What Function Compute does around a function: initializers that fail, HTTP events of form v1, responses."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from logferry.runtime import web
from logferry_local.platforms import Function
from logferry_local.platforms.http_trigger import Answer, answer, event
from logferry_local.platforms.instance import Instance

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"


def request(query: str = "", body: bytes = b"", **headers: str) -> web.Request:
    """A post as a proxy hands it on."""
    return web.Request("POST", "/logs/esa%20batch", query, headers, body, "198.51.100.23")


def shape(value: object) -> object:
    """Names and types, without values."""
    if isinstance(value, Mapping):
        return {str(name): shape(inner) for name, inner in value.items()}
    return type(value).__name__


def test_an_event_has_the_form_of_the_sample() -> None:
    """Every name of the sample event, with a value of its type; the free maps aside."""
    sample = json.loads((ROOT / "events/receive/signed.fc.json").read_text())
    made = event(request("a=1", b"{}"), "1-69550d05-1", 1767225605.123)
    for found in (sample, made):
        found["headers"] = found["queryParameters"] = {}
    assert shape(made) == shape(sample)


def test_a_body_that_is_no_text_comes_in_base64() -> None:
    """And one that is text comes as it is."""
    packed, plain = (event(request(body=body), "r", 0.0) for body in (b"\x1f\x8b\xff", b'{"a": 1}'))
    assert (packed["isBase64Encoded"], packed["body"]) == (True, base64.b64encode(b"\x1f\x8b\xff").decode())
    assert (plain["isBase64Encoded"], plain["body"]) == (False, '{"a": 1}')


def test_parameters_are_decoded_and_joined() -> None:
    """Two values of one name are one with a comma; the path is there as it was sent and decoded."""
    made = event(request("tag=a&tag=b%20c&empty="), "r", 0.0)
    assert made["queryParameters"] == {"tag": "a,b c", "empty": ""}
    assert made["rawPath"] == "/logs/esa%20batch"
    assert shape(made["requestContext"])
    assert isinstance(context := made["requestContext"], dict)
    assert context["http"]["path"] == "/logs/esa batch"


def test_our_functions_read_what_the_trigger_makes() -> None:
    """Headers whatever their case, body unpacked, sender's address."""
    found = web.read(event(request("a=1", b"\xff", **{"content-encoding": "gzip"}), "r", 0.0))
    assert (found.headers["content-encoding"], found.body, found.address) == ("gzip", b"\xff", "198.51.100.23")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"statusCode": 202, "headers": {"X-A": "b"}, "body": "yes"}', Answer(202, {"X-A": "b"}, b"yes")),
        ('{"statusCode": 200, "isBase64Encoded": true, "body": "H4s="}', Answer(200, {}, b"\x1f\x8b")),
        ('{"accepted": 1}', Answer(200, {"Content-Type": "application/json"}, b'{"accepted": 1}')),
        ("no JSON", Answer(200, {"Content-Type": "application/json"}, b"no JSON")),
    ],
)
def test_a_reply_becomes_a_response(reply: str, found: Answer) -> None:
    """Status, headers and body of an object with `statusCode`; anything else is the body."""
    assert answer(reply) == found


def test_a_body_that_is_not_base64_is_the_functions_fault() -> None:
    """Nothing half decoded goes out."""
    assert answer('{"statusCode": 200, "isBase64Encoded": true, "body": "?"}').status == 502


def test_a_failed_initializer_fails_the_call_and_the_next_starts_anew() -> None:
    """The caller gets its error body; the platform never calls a handler of such an instance."""
    instance = Instance(Function(name="probe", code=PROBE, initializer="app.refuse"), "fc", {})
    first, second = (instance.invoke(b"{}", name).reply for name in ("r-1", "r-2"))
    instance.close()
    assert first["errorType"] == second["errorType"] == "Misconfigured"
    assert first["errorMessage"] != second["errorMessage"]  # each names its process


def test_an_initializer_has_a_time_out_of_its_own(tmp_path: Path) -> None:
    """It is ended by its own, not by the handler's."""
    (tmp_path / "app.py").write_text(
        "import time\ndef initialize(c): time.sleep(60)\ndef handler(e, c): return 'late'\n"
    )
    late = Function(name="late", code=tmp_path, initializer="app.initialize", initializer_timeout=0.3)
    instance = Instance(late, "fc", {})
    result = instance.invoke(b"{}", "r-1")
    assert (result.ok, result.reply["errorMessage"]) == (False, "Function timed out after 0.30 seconds")
    assert instance.pid is None


@pytest.mark.parametrize(("contract", "where"), [("fc", "environment"), ("fc-python3.10", "context")])
def test_a_key_is_where_the_runtime_puts_it(tmp_path: Path, contract: str, where: str) -> None:
    """python3.12 has it in the environment and no `credentials`, python3.10 the other way round."""
    (tmp_path / "app.py").write_text(
        "import json, os\n"
        "def handler(event, context):\n"
        "    key = getattr(context, 'credentials', None)\n"
        "    return json.dumps({'environment': os.environ.get('ALIBABA_CLOUD_ACCESS_KEY_ID'),\n"
        "                       'context': key and key.access_key_id, 'service': hasattr(context, 'service'),\n"
        "                       'event': type(event).__name__})\n"
    )
    key = {f"ALIBABA_CLOUD_{name}": name.lower() for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")}
    instance = Instance(Function(name="f", code=tmp_path), contract, key)
    found = json.loads(instance.invoke(b"{}", "r-1").reply)
    instance.close()
    other = "context" if where == "environment" else "environment"
    assert (found[where], found[other]) == ("access_key_id", None)
    assert (found["service"], found["event"]) == (where == "context", "bytes")
