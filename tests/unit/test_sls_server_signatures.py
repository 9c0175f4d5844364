"""The embedded log store checks what the service checks: both signatures, the clock, the body, the frame."""

import re
import time
from collections.abc import Iterator

import pytest
from tests.fakes.sls import SECRET, Caller, Reply, furnished


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A furnished store."""
    with furnished(tmp_path_factory.mktemp("store")) as at:
        yield at


@pytest.fixture(params=["", "cn-test"], ids=["v1", "v4"])
def caller(address: str, request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Signs with each of the two signature versions."""
    made = Caller(address, region=request.param)
    yield made
    made.close()


def lists(caller: Caller, headers: dict[str, str], body: bytes = b"") -> Reply:
    """ListLogstores (or CreateLogstore, with a body) with exactly these headers."""
    return caller.send("POST" if body else "GET", "/logstores", {}, body, headers)


def test_right_signature_is_taken(caller: Caller) -> None:
    """A request as it should be is answered, with a request id."""
    reply = lists(caller, caller.signed("GET", "/logstores", {}))
    assert reply.document == {"count": 1, "total": 1, "logstores": ["waf"]}
    assert re.fullmatch("[0-9A-F]{24}", reply.headers["x-log-requestid"])


def test_wrong_secret_is_refused(address: str, caller: Caller) -> None:
    """A signature with another secret is refused with the service's body, and shows no secret."""
    other = Caller(address, region=caller.region, secret="another-secret")
    reply = other.call("GET", "/logstores")
    other.close()
    assert (reply.status, reply.code) == (401, "SignatureNotMatch")
    assert set(reply.document) == {"errorCode", "errorMessage"}
    assert SECRET.encode() not in reply.body
    assert len(reply.headers["x-log-requestid"]) == 24


@pytest.mark.parametrize("change", ["method", "path", "params", "header"])
def test_everything_signed_is_checked(caller: Caller, change: str) -> None:
    """Neither method, path, parameters nor service headers can be changed after signing."""
    headers = caller.signed("GET", "/logstores", {"size": "1"})
    method, path, params = "GET", "/logstores", {"size": "1"}
    if change == "method":
        method = "POST"
    elif change == "path":
        path = "/logstores/waf"
    elif change == "params":
        params = {"size": "2"}
    else:
        headers["x-log-bodyrawsize"] = "7"
    reply = caller.send(method, path, params, b"", headers)
    assert (reply.status, reply.code) == (401, "SignatureNotMatch")


def test_v4_covers_the_host(address: str) -> None:
    """A V4 request cannot be turned to another project (V1, as the service defines it, leaves the host out)."""
    caller = Caller(address, region="cn-test")
    headers = caller.signed("GET", "/logstores", {}) | {"Host": "project-two.cn-test.example"}
    reply = lists(caller, headers)
    caller.close()
    assert (reply.status, reply.code) == (401, "SignatureNotMatch")


def test_unknown_key_is_refused(address: str, caller: Caller) -> None:
    """A key that the store does not have is named in the refusal."""
    other = Caller(address, region=caller.region, key_id="stranger")
    reply = other.call("GET", "/logstores")
    other.close()
    assert (reply.status, reply.code) == (401, "Unauthorized")
    assert "stranger" in reply.document["errorMessage"]


@pytest.mark.parametrize("minutes", [-16, 16])
def test_clock_skew_is_refused(caller: Caller, minutes: int) -> None:
    """More than 15 minutes between the clocks, either way, is too much."""
    reply = lists(caller, caller.signed("GET", "/logstores", {}, now=time.time() + 60 * minutes))
    assert (reply.status, reply.code) == (400, "RequestTimeExpired")


def test_body_must_have_its_hash(caller: Caller) -> None:
    """A body other than the one that was signed is refused before it is looked at."""
    body = b'{"logstoreName": "other", "shardCount": 1}'
    headers = caller.signed("POST", "/logstores", {}, body)
    reply = lists(caller, headers, body.replace(b"other", b"wrong"))
    assert reply.code == ("InvalidContentSHA256" if caller.region else "InvalidContentMD5")


def test_hash_cannot_be_left_out(caller: Caller) -> None:
    """A body without a hash is not covered by the signature, so it is refused."""
    body = b'{"logstoreName": "other", "shardCount": 1}'
    headers = caller.signed("POST", "/logstores", {}, body)
    reply = lists(caller, {n: v for n, v in headers.items() if n not in ("Content-MD5", "x-log-content-sha256")}, body)
    assert reply.code == ("MissingContentSHA256" if caller.region else "MissingContentMD5")


FRAME: list[tuple[str, dict[str, str]]] = [
    ("MissAccessKeyId", {"Authorization": ""}),
    ("Unauthorized", {"Authorization": "Basic abc"}),
    ("MissingAPIVersion", {"x-log-apiversion": ""}),
    ("InvalidAPIVersion", {"x-log-apiversion": "9.9"}),
    ("MissingSignatureMethod", {"x-log-signaturemethod": ""}),
    ("InvalidSignatureMethod", {"x-log-signaturemethod": "rot13"}),
    ("MissingDate", {"Date": "", "x-log-date": ""}),
    ("InvalidDateFormat", {"Date": "yesterday"}),
]


@pytest.mark.parametrize(("code", "changed"), FRAME, ids=[code for code, _ in FRAME])
def test_broken_frame_is_refused(address: str, code: str, changed: dict[str, str]) -> None:
    """Each header that a request needs is asked for by the service's own code."""
    caller = Caller(address)
    headers = caller.signed("GET", "/logstores", {}) | changed
    reply = lists(caller, {name: value for name, value in headers.items() if value})
    caller.close()
    assert (reply.status, reply.code) == (401 if code == "Unauthorized" else 400, code)
