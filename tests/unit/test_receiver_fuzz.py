"""Whatever is posted: no exception, no 200 without a count, and nothing is kept of what is refused."""

import gzip
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.receiving import PATH, landing, signature

from logferry import receive_calls, runtime, wiring
from logferry.model import Counts
from logferry.runtime.web import Response

NOW = 1_767_225_600
GOOD = signature(now=NOW)
BAD = (
    "", "auth_key", "auth_key=", f"{GOOD}&{GOOD}", f"{GOOD}&auth_key=", f"x={GOOD}", GOOD.upper(), GOOD + "0",
    f"auth_key={GOOD}", GOOD.replace("-", "%2D"), f"{GOOD}&%61uth_key=1", signature("/nowhere", now=NOW),
    signature(now=NOW - 301), "a" * 5000, "auth_key=\udcff", "&&=&", f"{GOOD};x", "auth_key[]=" + GOOD[9:],
)  # fmt: skip
PATHS = (
    PATH,
    "/",
    "",
    "/logs",
    PATH + "/",
    "/logs/../logs/esa",
    "//logs/esa",
    "/logs/esa%2f",
    "*",
    "\x00",
    "/é",
    "/\ud800",
)
CODINGS = ("gzip", "deflate", "zstd", "snappy", "identity", "br", "gzip, gzip", "", "\x00", "x" * 1000)
PARTS = st.sampled_from(
    [b'{"id":1}', b'{"id":2,"deep":[[{}]]}', b"\n", b"[", b"]", b",", b"{", b"}", b"null", b"\xff\xfe", b'"',
     b"\\u0000", b'{"records":[', b"]}", b" ", b"9" * 30, b'{"":{}}', b"\r\n"]
)  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    {}, {"separator": ","}, {"separator": ""}, {"envelope": "records"}, {"max_body": 20}, {"max_inflated": 30},
    {"prefix": "[", "suffix": "]", "separator": ","}, {"max_records": 2}, {"time_field": "id"},
]  # fmt: skip
BODIES = st.lists(PARTS, max_size=15).map(b"".join) | st.binary(max_size=80)
PACKED = BODIES | BODIES.map(gzip.compress) | BODIES.map(zlib.compress)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from(BAD), PACKED, st.dictionaries(st.sampled_from(
    ["content-encoding", "content-length", "x-logferry-challenge", "x-original-uri", "authorization"]),
    st.sampled_from(CODINGS), max_size=3), st.sampled_from(["POST", "PUT", "GET", "", "\n"]))  # fmt: skip
def test_a_stranger_learns_and_writes_nothing(
    path: str, query: str, body: bytes, headers: dict[str, str], method: str
) -> None:
    """403 without a word, whatever else is wrong with the request."""
    with tempfile.TemporaryDirectory() as folder, landing(Path(folder)) as here:
        here.apply()
        assert here.post(body, query, path=path, headers=headers, method=method) == Response(403)
        assert here.rows() == []
        assert here.to.sent == 0
        assert list(Path(folder).rglob("*.json")) == []


@settings(max_examples=150, deadline=None)
@given(PACKED, st.sampled_from(CODINGS), st.sampled_from(OPTIONS))
def test_a_signed_post_is_counted_or_refused_as_a_whole(body: bytes, coding: str, options: dict[str, Any]) -> None:
    """With 200 the ledger has each piece, delivered or parked with its bytes; else it has nothing."""
    with tempfile.TemporaryDirectory() as folder, landing(Path(folder)) as here:
        here.apply(**options)
        answer = here.post(body, headers={"content-encoding": coding} if coding else {})
        assert answer.status in (200, 400, 413, 415)
        assert len(answer.text) < 30
        counts = here.counts()
        assert counts.balanced
        if answer.status != 200:
            assert counts == Counts()
            assert here.letters() == []
        assert counts.delivered == sum(1 for line in here.to.taken if line)
        assert counts.parked == len(here.letters())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5,
)  # fmt: skip
_EVENTS = st.dictionaries(
    st.sampled_from(["rawPath", "rawQueryString", "queryParameters", "headers", "body", "isBase64Encoded",
                     "requestContext", "type", "routeArn"]), _JSON | st.just({"http": {"method": "POST"}}), max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(_EVENTS | _JSON | st.binary(max_size=30) | st.text(max_size=30))
def test_no_event_makes_a_function_fail(event: object) -> None:
    """It answers 400, 403 or 500, without a body, and the platform's own error page is never seen."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"LOGFERRY_STATE": "memory:receiver-fuzz", "LOGFERRY_OBJECTS": f"folder:{folder}"}
        reply = runtime.web_entry(receive_calls.receive, environ=environ)(event, None)
        wiring.dismiss()
        assert isinstance(reply, dict)
        assert reply["statusCode"] in (400, 403)
        assert reply["body"] == ""
