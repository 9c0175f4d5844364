"""Requests as no SDK sends them: each is answered with its code, and the server goes on."""

import base64
import hashlib
import hmac
import http.client
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.ots import KEY_ID, SECRET, Running
from tests.fakes.ots_sdk import Client

from logferry_local.ots_server.messages import messages

EDITS: list[tuple[dict[str, str], str]] = [
    ({"x-ots-date": ""}, "OTSParameterInvalid"),
    ({"x-ots-date": "yesterday"}, "OTSParameterInvalid"),
    ({"x-ots-accesskeyid": ""}, "OTSParameterInvalid"),
    ({"x-ots-accesskeyid": "ключ"}, "OTSAuthFailed"),
    ({"x-ots-instancename": ""}, "OTSParameterInvalid"),
    ({"x-ots-apiversion": "2014-08-08"}, "OTSParameterInvalid"),
    ({"x-ots-contentmd5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "OTSAuthFailed"),
    ({"x-ots-signature": ""}, "OTSAuthFailed"),
    ({"x-ots-signature": "ключ"}, "OTSAuthFailed"),
    ({"x-ots-signaturev4": "x", "x-ots-signdate": "20010101"}, "OTSAuthFailed"),
    ({"x-ots-ststoken": "ключ"}, "OTSAuthFailed"),
]


def signed(path: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """The headers of a right request, signed by version 2."""
    headers = {
        "x-ots-date": (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "x-ots-apiversion": "2015-12-31", "x-ots-accesskeyid": KEY_ID, "x-ots-instancename": "instance",
        "x-ots-contentmd5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
    }  # fmt: skip
    text = f"{path}\nPOST\n\n" + "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    return headers | {"x-ots-signature": base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode()}


def send(server: Running, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> tuple[int, str]:
    """Exactly this; status and error code."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=20)
    try:
        raw = {name: value.encode() for name, value in headers.items() if value}
        connection.request(method, path, body, raw)
        reply = connection.getresponse()
        return reply.status, "" if reply.status == 200 else messages.Error.FromString(reply.read()).code
    finally:
        connection.close()


def test_right_request_is_answered(server: Running) -> None:
    """What the tests below change one thing of."""
    assert send(server, "/ListTable", b"", signed("/ListTable", b"")) == (200, "")


@pytest.mark.parametrize(("edit", "code"), EDITS, ids=lambda value: str(value)[:40])
def test_one_header_that_is_wrong(server: Running, edit: dict[str, str], code: str) -> None:
    """Missing, unreadable or of another request: refused with its own code."""
    status = {"OTSAuthFailed": 403, "OTSParameterInvalid": 400}[code]
    assert send(server, "/ListTable", b"", signed("/ListTable", b"") | edit) == (status, code)


@pytest.mark.parametrize(("minutes", "status"), [(-16, 403), (-14, 200), (14, 200), (16, 403)])
def test_clock_may_be_15_minutes_off(server: Running, minutes: int, status: int) -> None:
    """Either way; beyond it a request that was overheard cannot be sent again."""
    headers = signed("/ListTable", b"", datetime.now(UTC) + timedelta(minutes=minutes))
    assert send(server, "/ListTable", b"", headers)[0] == status


def test_signature_is_for_one_path_and_body(server: Running) -> None:
    """What was signed for one operation does not fit another."""
    assert send(server, "/DeleteTable", b"", signed("/ListTable", b"")) == (403, "OTSAuthFailed")
    assert send(server, "/ListTable", b"\n\x01a", signed("/ListTable", b"")) == (403, "OTSAuthFailed")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(server: Running, method: str) -> None:
    """Only POST."""
    assert send(server, "/ListTable", b"", signed("/ListTable", b""), method) == (405, "OTSMethodNotAllowed")


def test_body_over_5_mb_is_refused(server: Running) -> None:
    """Before it is looked at."""
    body = b"x" * (5 * 1024 * 1024 + 1)
    assert send(server, "/PutRow", body, signed("/PutRow", body)) == (413, "OTSRequestBodyTooLarge")


def put(data: bytes) -> bytes:
    """A PutRow whose row is these bytes."""
    condition = messages.Condition(row_existence=0)
    return bytes(messages.PutRowRequest(table_name="fuzzed", row=data, condition=condition).SerializeToString())


def conditioned(data: bytes) -> bytes:
    """A DeleteRow whose condition is these bytes."""
    condition = messages.Condition(row_existence=0, column_condition=data)
    request = messages.DeleteRowRequest(table_name="fuzzed", primary_key=data, condition=condition)
    return bytes(request.SerializeToString())


@pytest.mark.parametrize(
    ("path", "made"), [("/PutRow", put), ("/DeleteRow", conditioned), ("/GetRange", bytes), ("/CreateTable", bytes)]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=120))
def test_signed_nonsense_is_refused(server: Running, path: str, made: Callable[[bytes], bytes], data: bytes) -> None:
    """Any bytes where a message, a row or a condition should be: a refusal, never a failure of the server."""
    body = made(data)
    status, code = send(server, path, body, signed(path, body))
    assert status in (400, 404), code
    assert code in ("OTSParameterInvalid", "OTSInvalidPK", "OTSObjectNotExist")


def test_server_still_answers_the_sdk(client: Client) -> None:
    """After all of the above."""
    client.list_table()
