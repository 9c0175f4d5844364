"""HTTP events of both clouds as one Request, and the one reply form."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.errors import ConfigError
from logferry.runtime import web
from logferry.signing import verify
from logferry.vault import Secret

EVENTS = Path(__file__).parents[2] / "events"
ABOUT = {"http": {"method": "post", "path": "/logs esa", "sourceIp": "192.0.2.7"}}


def aws(**parts: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of an event
    """A function URL's event."""
    return {"version": "2.0", "rawPath": "/logs%20esa", "rawQueryString": "a=1&b=%2C", "requestContext": ABOUT, **parts}


def fc(**parts: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of an event
    """An HTTP trigger's event."""
    return {"version": "v1", "rawPath": "/logs%20esa", "queryParameters": {}, "requestContext": ABOUT, **parts}


@pytest.mark.parametrize("event", [aws(), fc()])
def test_request_has_the_raw_path_and_the_sender(event: dict[str, Any]) -> None:
    """Percent signs stay, since that is what a sender signs; the method is in capitals."""
    request = web.read(event)
    assert (request.method, request.path, request.address) == ("POST", "/logs%20esa", "192.0.2.7")


def test_the_raw_query_of_lambda_is_kept() -> None:
    """Byte for byte."""
    assert web.read(aws()).target == "/logs%20esa?a=1&b=%2C"


def test_the_query_of_function_compute_is_made_anew() -> None:
    """From decoded parameters, each encoded again."""
    given = {"auth_key": "1767225900-0-abc", "q": "a b&c", "e": ""}
    assert web.read(fc(queryParameters=given)).query == "auth_key=1767225900-0-abc&q=a%20b%26c&e="


def test_a_signature_given_twice_is_not_one_on_function_compute() -> None:
    """Its two values come as one, joined by a comma: no signature has a comma in it."""
    good = "1767225900-0-715e06d320500b721bc776a3b7d6dfb2"
    path, key = "/v1/log/upload", Secret("abc123")
    for value, is_good in ((good, True), (f"{good},{good}", False), (f"{good},", False)):
        request = web.read(fc(rawPath=path, queryParameters={"auth_key": value}))
        assert verify(request.target, [key], now=1_767_225_600).ok is is_good


def test_header_names_are_lower_case_and_joined() -> None:
    """Function Compute keeps their case, and two spellings are one header."""
    request = web.read(fc(headers={"Content-Encoding": "gzip", "X-A": "1", "x-a": "2"}))
    assert request.headers == {"content-encoding": "gzip", "x-a": "1,2"}


@pytest.mark.parametrize("make", [aws, fc])
def test_bodies_come_as_text_or_base64(make: Any) -> None:  # noqa: ANN401  # either of the two above
    """What a platform takes for binary comes as base64."""
    packed = base64.b64encode(b"\x1f\x8b\x00\xff").decode()
    assert web.read(make(body="ä", isBase64Encoded=False)).body == "ä".encode()
    assert web.read(make(body=packed, isBase64Encoded=True)).body == b"\x1f\x8b\x00\xff"
    assert web.read(make(body=None)).body == b""


@pytest.mark.parametrize(
    "event",
    [[], {}, 5, {"rawPath": "/"}, aws(requestContext={}), aws(rawPath=5), aws(body=5),
     aws(body="!", isBase64Encoded=True), aws(body="abc", isBase64Encoded=True),
     aws(headers={str(i): "" for i in range(501)})],
)  # fmt: skip
def test_what_is_no_http_event_is_refused_without_quoting_it(event: object) -> None:
    """One error that says what was expected."""
    with pytest.raises(ConfigError, match="expected an HTTP event"):
        web.read(event)


def test_nothing_that_gives_access_is_in_a_repr() -> None:
    """Query and headers stay out of a traceback's locals."""
    request = web.read(aws(rawQueryString="auth_key=hush", headers={"authorization": "hush"}, body="hush"))
    assert "hush" not in repr(request)


def test_both_clouds_take_the_reply() -> None:
    """Status, headers, a body that is no base64; no content type without a body."""
    assert web.Response(413, "too large\n", {"X": "1"}).body == {
        "statusCode": 413, "headers": {"Content-Type": "text/plain; charset=utf-8", "X": "1"},
        "isBase64Encoded": False, "body": "too large\n",
    }  # fmt: skip
    assert web.Response(403).body["headers"] == {}


@pytest.mark.parametrize("path", sorted([*EVENTS.glob("receive/*"), *EVENTS.glob("verify_request/*")]), ids=str)
def test_every_sample_event_is_a_request(path: Path) -> None:
    """What is shown as a sample is what is read."""
    assert web.read(json.loads(path.read_text(encoding="utf-8"))).path.startswith("/")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["rawPath", "rawQueryString", "queryParameters", "headers", "body",
                                        "isBase64Encoded", "requestContext"]), _JSON), st.booleans())  # fmt: skip
def test_no_event_trips_us_up(parts: dict[str, Any], whole: bool) -> None:  # noqa: FBT001  # hypothesis hands it over
    """It is a request or a ConfigError."""
    try:
        request = web.read({**aws(), **parts} if whole else parts)
    except ConfigError:
        return
    request.target.encode("utf-8", "surrogatepass")
    assert isinstance(request.body, bytes)
