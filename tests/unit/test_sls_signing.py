"""Signatures: equal to the vendor SDK's own signers, and verifiable by a server."""

import dataclasses
from typing import Any

import pytest
from aliyun.log import auth
from aliyun.log import credentials as sdk_credentials

from logferry.sls import signing
from logferry.sls.credentials import Credentials
from logferry.vault import Secret

sdk_auth: Any = auth  # the SDK has no types
StaticCredentialsProvider: Any = sdk_credentials.StaticCredentialsProvider

NOW = 1_767_225_600.0
SECRET = Secret("invented-secret")
PLAIN = Credentials("id-1", SECRET)
WITH_TOKEN = Credentials("id-1", SECRET, Secret("invented-token"))


@dataclasses.dataclass(frozen=True)
class Case:
    """One request as a client makes it, before signing."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def message(self) -> signing.Message:
        """What our signer is given."""
        return signing.Message(self.method, self.path, self.params, {**self.headers, "Host": "p.h.example"})


CASES = {
    "get": Case(
        "GET",
        "/logstores/l/shards/0",
        {"type": "log", "cursor": "MTc2+/==", "count": "10", "query": "* | where a = 'b c~é' & x", "end_cursor": ""},
        {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": "0", "x-log-meta-skip": "no"},
    ),
    "post-json": Case(
        "POST",
        "/logstores/l/consumergroups/g",
        {"type": "checkpoint", "forceSuccess": "True", "consumer": "c-1"},
        {"x-log-apiversion": "0.6.0", "Content-Type": "application/json"},
        b'{"shard": 0}',
    ),
    "post-protobuf": Case(
        "POST",
        "/logstores/l/shards/lb",
        {},
        {
            "x-log-apiversion": "0.6.0",
            "x-log-bodyrawsize": "30",
            "x-log-compresstype": "lz4",
            "Content-Type": "application/x-protobuf",
        },
        b"\x00\xff body",
    ),
}


def sdk_headers(case: Case, credentials: Credentials, region: str, stamp: str) -> dict[str, str]:
    """What the vendor SDK's signer makes of the request at that moment."""
    token = credentials.security_token.reveal() if credentials.security_token else None
    provider = StaticCredentialsProvider(credentials.access_key_id, credentials.access_key_secret.reveal(), token)
    headers: dict[str, Any] = dict(case.message.headers)
    if region:
        signer = sdk_auth.AuthV4(provider, region)
        headers["Authorization"] = signer._do_sign_request(
            case.method, case.path, case.params, headers, case.body, stamp
        )
        return headers

    signer = sdk_auth.AuthV1(provider)
    signer._getGMT = lambda: stamp  # the SDK's signer with a clock that stands still
    signer.sign_request(case.method, case.path, case.params, headers, case.body)
    return headers


@pytest.mark.parametrize("credentials", [PLAIN, WITH_TOKEN], ids=["key", "sts"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("region", "stamp"), [("", "Thu, 01 Jan 2026 00:00:00 GMT"), ("cn-x", "20260101T000000Z")])
def test_headers_equal_the_vendor_sdks(name: str, credentials: Credentials, region: str, stamp: str) -> None:
    """Both versions sign GET, JSON and protobuf posts exactly as the vendor SDK does, token included."""
    case = CASES[name]
    ours = signing.signed_headers(case.message, case.body, credentials, NOW, region)
    assert ours == sdk_headers(case, credentials, region, stamp)


@pytest.mark.parametrize("region", ["", "cn-x"])
def test_server_verifies_what_client_signed(region: str) -> None:
    """A server that sees lower-case headers comes to the same signature from the parsed claim."""
    case = CASES["post-json"]
    sent = signing.signed_headers(case.message, case.body, WITH_TOKEN, NOW, region)
    seen = case.message._replace(headers={name.lower(): value for name, value in sent.items()})
    claim = signing.parse(seen.header("Authorization"))
    assert (claim.access_key_id, claim.version) == ("id-1", "v4" if region else "v1")
    assert signing.sign(seen, claim, SECRET) == claim.signature
    assert signing.moment(seen, claim) == NOW


@pytest.mark.parametrize("region", ["", "cn-x"])
@pytest.mark.parametrize(
    "change",
    [{"method": "PUT"}, {"path": "/logstores/other"}, {"params": {}}],
    ids=["method", "path", "params"],
)
def test_changed_request_fails_verification(change: dict[str, Any], region: str) -> None:
    """Method, path and parameters are covered by the signature."""
    case = CASES["post-json"]
    sent = case.message._replace(headers=signing.signed_headers(case.message, case.body, PLAIN, NOW, region))
    claim = signing.parse(sent.header("Authorization"))
    assert signing.sign(sent._replace(**change), claim, SECRET) != claim.signature


@pytest.mark.parametrize("region", ["", "cn-x"])
def test_changed_service_header_fails_verification(region: str) -> None:
    """A service header is covered by the signature."""
    case = CASES["post-json"]
    headers = signing.signed_headers(case.message, case.body, PLAIN, NOW, region)
    claim = signing.parse(headers["Authorization"])
    changed = case.message._replace(headers={**headers, "x-log-apiversion": "0.5.0"})
    assert signing.sign(changed, claim, SECRET) != claim.signature


def test_v4_covers_the_host() -> None:
    """With V4 a request cannot be replayed on another project's host."""
    case = CASES["get"]
    headers = signing.signed_headers(case.message, b"", PLAIN, NOW, "cn-x")
    claim = signing.parse(headers["Authorization"])
    changed = case.message._replace(headers={**headers, "Host": "other.h.example"})
    assert signing.sign(changed, claim, SECRET) != claim.signature


def test_v1_date_of_the_signature_counts() -> None:
    """An unsigned x-log-date cannot make an old V1 request look new; it stands in only where Date was stripped."""
    claim = signing.Claim("id-1")
    both = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "x-log-date": "Fri, 02 Jan 2026 00:00:00 GMT"}
    message = signing.Message("GET", "/", {}, both)
    assert signing.moment(message, claim) == NOW
    stripped = message._replace(headers={"x-log-date": both["x-log-date"]})
    assert signing.moment(stripped, claim) == NOW + 86_400


@pytest.mark.parametrize("header", ["", "LOG", "LOG id", "LOG :x", "Basic abc", "SLS4-HMAC-SHA256 Credential=a/b/c"])
def test_unknown_authorization_is_refused(header: str) -> None:
    """A header of neither version is a ValueError that does not repeat it."""
    with pytest.raises(ValueError, match="is neither") as caught:
        signing.parse(header)
    assert header in ("", "LOG") or header not in str(caught.value)


@pytest.mark.parametrize("region", ["", "cn-x"])
@pytest.mark.parametrize("text", ["", "yesterday", "99999999T000000Z", "Mon, 99 Jan 2026 00:00:00 GMT"])
def test_unreadable_date_is_a_value_error(text: str, region: str) -> None:
    """A date that is missing or wrong is one kind of error, for both versions."""
    message = signing.Message("GET", "/", {}, {"x-log-date": text})
    with pytest.raises(ValueError, match="date: "):
        signing.moment(message, signing.Claim("id-1", day="20260101", region=region))
