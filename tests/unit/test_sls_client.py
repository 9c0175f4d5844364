"""One request to the log service: what is sent, and what each answer becomes."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import lz4.block
import pytest
import zstandard
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, Request, answer, close, mid_answer, nobody, silence

from logferry.errors import Expired, LogferryError, Misconfigured, Missing, SourceError
from logferry.sls import signing
from logferry.sls.client import Client, web
from logferry.sls.consumer_group import ConsumerGroup
from logferry.sls.credentials import Credentials, EnvironKeys, VaultKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Compression, Logstore, Pull, Pulled
from logferry.vault import Secret, Vault

NOW = 1_767_225_600.0
ENVIRON = {"SLS_AK_ID": "id-1", "SLS_AK_KEY": "invented-secret", "SLS_STS_TOKEN": "invented-token"}
PULLED = {"x-log-cursor": "Mg==", "x-log-count": "1", "x-log-bodyrawsize": "0"}


@contextmanager
def logstore(
    url: str, *, region: str = "", time_out: float = 5.0, compression: Compression = "lz4", ca_file: str | None = None
) -> Iterator[Logstore]:
    """The logstore `l` of the project `p-1` at this address; its connections are closed."""
    client = Client(
        endpoint=Endpoint.parse(url), project="p-1", keys=EnvironKeys(ENVIRON), region=region, time_out=time_out,
        clock=lambda: NOW, web=web(ca_file),
    )  # fmt: skip
    try:
        yield Logstore(client, "l", compression)
    finally:
        client.close()


def failure(*script: Behaviour, time_out: float = 5.0) -> LogferryError:
    """What a pull raises when the server behaves like this."""
    with Misbehaving(*script) as server, logstore(server.url, time_out=time_out) as store:
        with pytest.raises(LogferryError) as caught:
            store.pull_logs("0", Pull("MQ=="))
        return caught.value


def refused(status: int, code: str, text: str = "words", headers: dict[str, str] | None = None) -> Behaviour:
    """The service's own form of an error."""
    return answer(status, {"errorCode": code, "errorMessage": text}, {"x-log-requestid": "R1", **(headers or {})})


def signed(request: Request) -> signing.Message:
    """What a server checks the signature of."""
    method, target, _ = request.line.split(" ")
    parts = urlsplit(target)
    return signing.Message(method, parts.path, dict(parse_qsl(parts.query)), request.headers)


@pytest.mark.parametrize("region", ["", "cn-x"])
def test_requests_are_signed_and_name_the_project(region: str) -> None:
    """At an address the project goes into the Host header, and the signature covers the request, token included."""
    with Misbehaving(answer(200, headers=PULLED)) as server, logstore(server.url, region=region) as store:
        store.pull_logs("3", Pull("MQ==", "Mg==", 10, "* | where a = 'b c'"))
        store.put_logs(b"group")
    assert lz4.block.decompress(server.requests[1].body, uncompressed_size=5) == b"group"
    for request in server.requests:
        message = signed(request)
        claim = signing.parse(message.header("Authorization"))
        assert hmac.compare_digest(signing.sign(message, claim, Secret("invented-secret")), claim.signature)
        assert (claim.version, message.header("Host")) == ("v4" if region else "v1", "p-1.127.0.0.1")
        assert message.header("x-acs-security-token") == "invented-token"
    pull, put = map(signed, server.requests)
    assert (pull.method, pull.path) == ("GET", "/logstores/l/shards/3")
    assert pull.params == {
        "type": "log", "cursor": "MQ==", "end_cursor": "Mg==", "count": "10",
        "query": "* | where a = 'b c'", "pullMode": "scan_on_stream",
    }  # fmt: skip
    assert (put.path, put.header("x-log-compresstype")) == ("/logstores/l/shards/lb", "lz4")
    assert put.header("x-log-bodyrawsize") == "5"


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With http_proxy set, the request for the project's host name goes to the proxy."""
    with Misbehaving(answer(200, headers=PULLED)) as server:
        monkeypatch.setenv("http_proxy", server.url)
        with logstore("http://cn-x.log.example") as store:
            store.pull_logs("0", Pull("MQ=="))
    assert server.requests[0].line.startswith("GET http://p-1.cn-x.log.example/logstores/l/shards/0?")
    assert server.requests[0].headers["host"] == "p-1.cn-x.log.example"


def test_pull_returns_what_the_headers_say() -> None:
    """Next cursor, count and judged lines come from the headers, the data unpacked."""
    headers = {
        "X-Log-Cursor": "Mg==", "x-log-count": "4", "x-log-bodyrawsize": "3", "x-log-compresstype": "zstd",
        "x-log-rawdatalines": "9",
    }  # fmt: skip
    body = zstandard.ZstdCompressor().compress(b"raw")
    with Misbehaving(answer(200, body, headers)) as server, logstore(server.url, compression="zstd") as store:
        assert store.pull_logs("0", Pull("MQ==")) == Pulled(b"raw", "Mg==", 4, 9)
    assert server.requests[0].headers["accept-encoding"] == "zstd"


def test_judged_lines_are_not_guessed_from_groups() -> None:
    """`x-log-rawdatacount` counts log groups: without the header for lines nothing is known of them."""
    groups_only = answer(200, headers={**PULLED, "x-log-rawdatacount": "9"})
    with Misbehaving(groups_only) as server, logstore(server.url) as store:
        assert store.pull_logs("0", Pull("MQ==", query="*")).raw_lines is None


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({"x-log-bodyrawsize": "9"}, b"ab", "PullLogs p-1/.*: the body is 2 bytes, x-log-bodyrawsize says 9"),
        ({"x-log-bodyrawsize": "-1"}, b"ab", "'-1' is not a whole number"),
        ({"x-log-compresstype": "lz4"}, b"ab", "no header x-log-bodyrawsize"),
        ({"x-log-bodyrawsize": "2", "x-log-cursor": ""}, b"ab", "no header x-log-count"),
    ],
)
def test_answers_that_cannot_be_are_source_errors(headers: dict[str, str], body: bytes, says: str) -> None:
    """Headers are checked before anything is unpacked."""
    with pytest.raises(SourceError, match=says):
        raise failure(answer(200, body, headers))


@pytest.mark.parametrize(
    ("behaviour", "after"),
    [
        (refused(500, "InternalServerError"), None),
        (refused(503, "ServerBusy", headers={"Retry-After": "7"}), 7.0),
        (refused(429, "TooMany"), None),
        (refused(403, "ReadQuotaExceed"), None),
        (refused(403, "ShardReadQuotaExceed"), None),
        (refused(403, "Forbidden", "Read QPS Exceed"), None),
        (refused(403, "ProjectQuotaExceed", "Project Inflow Quota Exceed"), None),
        (refused(400, "RequestTimeout"), None),
        (answer(502, b"<html>bad gateway</html>", {"Retry-After": "soon"}), None),
        (close, None),
        (mid_answer, None),
    ],
)
def test_what_passes_with_time_is_transient(behaviour: Behaviour, after: float | None) -> None:
    """Servers in trouble, quotas and broken connections are worth another try, after the time they ask for."""
    error = failure(behaviour)
    assert isinstance(error, SourceError)
    assert (type(error), error.transient, error.retry_after) == (SourceError, True, after)


def test_no_answer_in_time_is_transient() -> None:
    """A silent server costs no more than the time-out."""
    assert getattr(failure(silence, time_out=0.3), "transient", False)


def test_nobody_there_is_transient() -> None:
    """A refused connection is worth another try."""
    with nobody() as port, logstore(f"http://127.0.0.1:{port}") as store, pytest.raises(SourceError) as caught:
        store.list_shards()
    assert caught.value.transient


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (400, "InvalidCursor", Expired, "InvalidCursor"),
        (400, "SLSInvalidCursor", Expired, "SLSInvalidCursor"),
        (404, "ProjectNotExist", Missing, "ProjectNotExist"),
        (404, "LogStoreNotExist", Missing, "LogStoreNotExist"),
        (404, "ShardNotExist", Missing, "ShardNotExist"),
        (401, "SignatureNotMatch", Misconfigured, "check access_key_secret"),
        (401, "Unauthorized", Misconfigured, "check access_key_id"),
        (401, "InvalidAccessKeyId", Misconfigured, "check access_key_id"),
        (400, "RequestTimeTooSkewed", Misconfigured, "check this machine's clock"),
        (400, "RequestTimeExpired", Misconfigured, "check this machine's clock"),
        (401, "SecurityTokenExpired", Misconfigured, "renew the temporary key"),
        (403, "Unauthorized", Misconfigured, "RAM user or role"),
        (401, "Unauthorized", Misconfigured, "PullLogs needs the action log:GetCursorOrData"),
        (403, "Unauthorized", Misconfigured, "PullLogs needs the action log:GetCursorOrData"),
        (400, "ConsumerGroupQuotaExceed", Misconfigured, "at most 30 consumer groups: delete those that nobody uses"),
        (403, "ConsumerGroupQuotaExceed", Misconfigured, "logferry sls groups delete NAME"),
        (400, "ProjectQuotaExceed", Misconfigured, "ask the vendor for a higher quota"),
        (403, "AccessDenied", Misconfigured, "RAM user or role"),
        (400, "ParameterInvalid", SourceError, "ParameterInvalid"),
    ],
)
def test_each_refusal_becomes_one_error(status: int, code: str, kind: type[LogferryError], says: str) -> None:
    """The service's code decides; the message has operation, code, text, request id and what to do."""
    error = failure(refused(status, code))
    assert isinstance(error, kind)
    assert not getattr(error, "transient", False)
    assert f"PullLogs p-1/logstores/l/shards/0: {status} {code}: words (request id R1)" in str(error)
    assert says in str(error)


def test_refused_group_operation_names_its_action() -> None:
    """Each operation on consumer groups says which RAM action is missing."""
    denied = refused(401, "Unauthorized", "denied by sts or ram")
    with Misbehaving(*[denied] * 6) as server, logstore(server.url) as store:
        group = ConsumerGroup(store, "g")
        calls: list[Callable[[], object]] = [
            group.create, group.listed, group.delete, partial(group.heartbeat, "c", []), group.checkpoints,
            partial(group.save, "0", "MQ=="),
        ]  # fmt: skip
        actions = []
        for call in calls:
            with pytest.raises(Misconfigured, match="RAM user or role may do") as caught:
                call()
            actions.append(str(caught.value).rpartition(" needs the action log:")[2])
    assert actions == [
        "CreateConsumerGroup", "ListConsumerGroup", "DeleteConsumerGroup", "ConsumerGroupHeartBeat",
        "GetConsumerGroupCheckPoint", "ConsumerGroupUpdateCheckPoint",
    ]  # fmt: skip


def test_redirect_is_not_followed() -> None:
    """A redirect is an error, and the signed request goes nowhere else."""
    with Misbehaving(answer(200)) as other:
        error = failure(answer(302, b"", {"Location": other.url}))
    assert isinstance(error, SourceError)
    assert "302" in str(error)
    assert other.requests == []


def test_no_key_material_in_messages() -> None:
    """What the service echoes of secret and token is masked."""
    error = failure(refused(401, "SignatureNotMatch", "signed invented-token with invented-secret"))
    assert "signed *** with ***" in str(error)


def test_refused_key_is_read_again_once(tmp_path: Path) -> None:
    """A key that was changed in the vault is used at once; one that was not is refused for good."""
    secret = tmp_path / "secret"
    secret.write_text("old", encoding="utf-8")
    secret.chmod(0o600)
    keys = VaultKeys(Vault({"ID": "id-1"}), "secret://env/ID", f"secret://file/{secret}", None)
    no = refused(401, "SignatureNotMatch")
    with Misbehaving(no, answer(200, b"[]"), no) as server:
        client = Client(endpoint=Endpoint.parse(server.url), project="p-1", keys=keys, clock=lambda: NOW)
        assert keys.current() == Credentials("id-1", Secret("old"))
        secret.write_text("new", encoding="utf-8")
        assert Logstore(client, "l").list_shards() == []
        with pytest.raises(Misconfigured):
            Logstore(client, "l").list_shards()
        client.close()
    assert len(server.requests) == 3
    message = signed(server.requests[1])
    claim = signing.parse(message.header("Authorization"))
    assert signing.sign(message, claim, Secret("new")) == claim.signature


def test_certificate_is_verified_and_ca_file_trusted(tmp_path: Path) -> None:
    """An unknown authority is refused before anything is sent; with `ca_file` it is trusted."""
    authority = Authority(tmp_path)
    with Misbehaving(answer(200, b"[]"), tls=authority.issue().server_context()) as server:
        with logstore(server.url) as store, pytest.raises(Misconfigured, match="certificate"):
            store.list_shards()
        with logstore(server.url, ca_file=str(authority.ca_file)) as store:
            assert store.list_shards() == []


@pytest.mark.parametrize(
    "body", [b"{", b"{}", b"[1]", b'[{"shardID": "x"}]', b'[{"shardID": 1, "status": "readwrite"}]', b"\xff"]
)
def test_shards_that_cannot_be_are_source_errors(body: bytes) -> None:
    """A listing in another form is an error that names the operation."""
    says = pytest.raises(SourceError, match=r"^ListShards p-1/logstores/l/shards: ")
    with Misbehaving(answer(200, body)) as server, logstore(server.url) as store, says:
        store.list_shards()
