"""One HTTP request against a server that misbehaves: which error, and what it says."""

import contextlib
import logging
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import (
    Behaviour,
    Misbehaving,
    answer,
    close,
    drip,
    mid_answer,
    nobody,
    reset,
    silence,
)

from logferry.errors import Misconfigured, Transient
from logferry.transport.web import Reply, Web


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that the tests trust by `ca_file` only."""
    return Authority(tmp_path_factory.mktemp("authority"))


def post(url: str, web: Web | None = None, *, time_out: float = 5.0, body: bytes = b"x") -> Reply:
    """One POST; connections are closed after it."""
    web = web or Web()
    try:
        return web.request("POST", url, headers={"Authorization": "Splunk s3cr3t"}, body=body, time_out=time_out)
    finally:
        web.close()


def test_reply_holds_status_headers_and_body() -> None:
    """A reply comes back whatever its status, header names in any case, the body as bytes."""
    with Misbehaving(answer(503, b"busy", {"Retry-After": "7"})) as server:
        reply = post(server.url + "/a")
    assert (reply.status, reply.headers["retry-after"], reply.body) == (503, "7", b"busy")
    assert server.requests[0].line == "POST /a HTTP/1.1"


def test_connection_is_kept() -> None:
    """Three requests in a row use one connection."""
    web = Web()
    with Misbehaving(answer(200)) as server:
        for _ in range(3):
            web.request("POST", server.url, headers={}, body=b"x", time_out=5)
        web.close()
    assert (server.connections, len(server.requests)) == (1, 3)


def test_connection_that_lay_idle_is_not_used_again() -> None:
    """After 50 idle seconds a load balancer may have forgotten it: a new one is made."""
    now = [0.0]
    web = Web(now=lambda: now[0])
    with Misbehaving(answer(200)) as server:
        for moment in (0.0, 50.0, 101.0):
            now[0] = moment
            web.request("POST", server.url, headers={}, body=b"x", time_out=5)
        web.close()
    assert (server.connections, len(server.requests)) == (2, 3)


def test_threads_do_not_share_a_connection() -> None:
    """Requests at the same time go over connections of their own, and those are used again."""
    web, together = Web(), threading.Barrier(3, timeout=5)

    def meet(connection: object) -> None:
        together.wait()
        answer(200)(connection)  # type: ignore[arg-type]

    def work(url: str) -> None:
        for _ in range(2):
            web.request("GET", url, headers={}, time_out=5)

    with Misbehaving(meet) as server:
        threads = [threading.Thread(target=work, args=(server.url,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        web.close()
    assert (server.connections, len(server.requests)) == (3, 6)


@pytest.mark.parametrize(("cookies", "sent"), [(True, "node=7"), (False, None)])
def test_cookies_are_kept_for_every_thread_or_not_at_all(cookies: bool, sent: str | None) -> None:  # noqa: FBT001  # a parameter of the table
    """A load balancer's cookie goes along with all requests if that is wanted; else it is never sent."""
    web, together = Web(cookies=cookies), threading.Barrier(3, timeout=5)

    def meet(connection: object) -> None:
        together.wait()
        answer(200)(connection)  # type: ignore[arg-type]

    with Misbehaving(answer(200, headers={"Set-Cookie": "node=7; Path=/"}), meet) as server:
        web.request("GET", server.url, headers={}, time_out=5)
        work = {"target": web.request, "args": ("GET", server.url), "kwargs": {"headers": {}, "time_out": 5}}
        threads = [threading.Thread(**work) for _ in range(3)]  # type: ignore[arg-type]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        web.close()
    assert [request.headers.get("cookie") for request in server.requests] == [None, sent, sent, sent]


def test_newest_cookie_counts() -> None:
    """A load balancer that sends us elsewhere is followed, and one that takes its cookie back too."""
    web = Web(cookies=True)
    given = ["node=1", "node=2", "node=; Max-Age=0", "other=3"]
    with Misbehaving(*(answer(200, headers={"Set-Cookie": f"{one}"}) for one in given)) as server:
        for _ in range(4):
            web.request("GET", server.url, headers={}, time_out=5)
        web.close()
    assert [request.headers.get("cookie") for request in server.requests] == [None, "node=1", "node=2", None]


def test_cookies_are_for_their_own_host() -> None:
    """What one host set is not shown to another."""
    web = Web(cookies=True)
    with Misbehaving(answer(200, headers={"Set-Cookie": "node=1; Path=/"})) as server:
        web.request("GET", server.url, headers={}, time_out=5)
        web.request("GET", server.url.replace("127.0.0.1", "localhost"), headers={}, time_out=5)
        web.close()
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


def test_connecting_has_a_limit_of_its_own() -> None:
    """A far side that does not take the connection costs only so much of the time; nothing was sent."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(address)
        begun = time.monotonic()
        with contextlib.closing(Web()) as web, pytest.raises(Transient, match=r"nothing was sent") as caught:
            web.request("POST", f"http://127.0.0.1:{address[1]}", headers={}, body=b"x", time_out=20, connect=0.3)
        for one in waiting:
            one.close()
    assert time.monotonic() - begun < 5
    assert not caught.value.in_doubt


def test_redirect_is_not_followed() -> None:
    """A 302 is the reply; its target is never asked."""
    with Misbehaving(answer(200)) as target, Misbehaving(answer(302, headers={"Location": target.url})) as server:
        assert post(server.url).status == 302
    assert target.requests == []


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [(close, "broke .* may have been taken"), (reset, "reset by peer; it may"), (mid_answer, "broke .* may have been")],
)
def test_broken_connection_is_transient(behaviour: Behaviour, says: str) -> None:
    """A connection that ends before the answer is whole may have delivered: Transient, and the text says so."""
    with Misbehaving(behaviour) as server, pytest.raises(Transient, match=says):
        post(server.url)


@pytest.mark.parametrize("behaviour", [silence, drip])
def test_time_out_bounds_the_whole_request(behaviour: Behaviour) -> None:
    """Neither silence nor a dripping body outlasts the time-out."""
    with Misbehaving(behaviour) as server, pytest.raises(Transient, match=r"no whole answer within 0.3 s; it may"):
        post(server.url, time_out=0.3)


def test_refused_connection_sent_nothing() -> None:
    """Nobody listening is Transient, and the text says that nothing was sent."""
    with nobody() as port, pytest.raises(Transient, match=f"127.0.0.1:{port}: .*refused.*; nothing was sent"):
        post(f"http://127.0.0.1:{port}")


def test_unresolvable_name_is_transient() -> None:
    """A name that does not resolve may resolve later: Transient."""
    with pytest.raises(Transient, match="does not resolve; nothing was sent"):
        post("http://no-such-host.invalid:8088")


def test_no_time_left_sends_nothing() -> None:
    """With no time left the request is not begun."""
    with pytest.raises(Transient, match="no time left"):
        post("http://127.0.0.1:1", time_out=0)


def test_reply_over_the_limit_is_an_error() -> None:
    """A reply larger than `max_reply` is not read to its end."""
    with Misbehaving(answer(200, b"x" * 2000)) as server, pytest.raises(Transient, match="longer than its limit"):
        post(server.url, Web(max_reply=1000))


def test_trusted_certificate_passes(authority: Authority) -> None:
    """A certificate of the authority in `ca_file`, for the right name, is accepted."""
    with Misbehaving(answer(200), tls=authority.issue().server_context()) as server:
        assert post(server.url, Web(ca_file=str(authority.ca_file))).status == 200


@pytest.mark.parametrize(
    ("names", "expired", "trusted", "says"),
    [
        (("splunk.example",), False, True, "127.0.0.1:.* does not verify: .*mismatch"),
        (("127.0.0.1",), False, False, "does not verify: unable to get local issuer"),
        (("127.0.0.1",), True, True, "does not verify: certificate has expired"),
    ],
)
def test_bad_certificate_is_misconfigured(
    authority: Authority, names: tuple[str, ...], *, expired: bool, trusted: bool, says: str
) -> None:
    """Wrong host, unknown authority and an expired certificate need a person: Misconfigured, nothing sent."""
    context = authority.issue(names, expired=expired).server_context()
    web = Web(ca_file=str(authority.ca_file)) if trusted else Web()
    with Misbehaving(answer(200), tls=context) as server, pytest.raises(Misconfigured, match=says):
        post(server.url, web)
    assert server.requests == []


def test_verification_can_be_switched_off(authority: Authority) -> None:
    """`verify=False` takes any certificate, without a warning for each request."""
    with Misbehaving(answer(200), tls=authority.issue(("other.example",)).server_context()) as server:
        assert post(server.url, Web(verify=False)).status == 200


def test_plain_server_behind_https_is_misconfigured() -> None:
    """An https address of a server that speaks no TLS is named as such."""
    with Misbehaving(answer(400), http=False) as server, pytest.raises(Misconfigured, match="does not speak TLS"):
        post(server.url.replace("http:", "https:"))


def test_client_certificate_demand_is_misconfigured(authority: Authority) -> None:
    """A far side that demands a client certificate is a matter of configuration, not of trying again."""
    context = authority.issue().server_context(client_ca=authority.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the alert races with what the client sends
    with Misbehaving(answer(200), tls=context) as server, pytest.raises(Misconfigured, match="client certificate"):
        post(server.url, Web(ca_file=str(authority.ca_file)))


def test_missing_ca_file_is_misconfigured(tmp_path: Path) -> None:
    """A `ca_file` that is not there stops before anything is sent."""
    with pytest.raises(Misconfigured, match=r"ca_file: .*/ca.pem is not a readable file"):
        post("https://127.0.0.1:1", Web(ca_file=str(tmp_path / "ca.pem")))


def test_ca_file_without_certificates_is_misconfigured(authority: Authority, tmp_path: Path) -> None:
    """A `ca_file` that holds no certificate is named, and nothing is sent."""
    (tmp_path / "ca.pem").write_bytes(b"not PEM")
    with (
        Misbehaving(answer(200), tls=authority.issue().server_context()) as server,
        pytest.raises(Misconfigured, match="ca_file: holds no PEM"),
    ):
        post(server.url, Web(ca_file=str(tmp_path / "ca.pem")))


def test_forbidden_header_characters_do_not_leak_the_value() -> None:
    """A token with a newline is refused without being shown."""
    with pytest.raises(Misconfigured) as caught:
        Web().request("GET", "http://127.0.0.1:1", headers={"Authorization": "Splunk s3c\nr3t"}, time_out=1)
    assert "s3c" not in str(caught.value)


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTP_PROXY` is asked for the far side's address."""
    with Misbehaving(answer(200, b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert post("http://splunk.example:8088/a").body == b"by proxy"
    assert proxy.requests[0].line == "POST http://splunk.example:8088/a HTTP/1.1"


def test_loopback_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy elsewhere could not reach this machine's own addresses, so it is not asked."""
    with Misbehaving(answer(502)) as proxy, Misbehaving(answer(200)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert post(server.url).status == 200


def test_proxy_that_wants_credentials_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's 407 to CONNECT needs a person; the proxy's own credentials are not in the text."""
    with Misbehaving(answer(407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:pr0xy@"))
        with pytest.raises(Misconfigured, match=r"splunk.example:8088: the proxy wants credentials \(407\)") as caught:
            post("https://splunk.example:8088")
    assert "pr0xy" not in str(caught.value)


def test_netrc_does_not_replace_our_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `.netrc` entry for the host leaves the Authorization header as it was."""
    (tmp_path / "netrc").write_text("default login someone password else\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Misbehaving(answer(200)) as server:
        post(server.url)
    assert server.requests[0].headers["authorization"] == "Splunk s3cr3t"


def test_query_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """A query may hold credentials: nothing that is logged on the way holds it, at no level."""
    caplog.set_level(logging.DEBUG)
    with Misbehaving(answer(200)) as server, contextlib.closing(Web()) as web:
        web.request("POST", f"{server.url}/in?token=hunter2", headers={}, body=b"", time_out=5)
    assert server.requests[0].line == "POST /in?token=hunter2 HTTP/1.1"
    assert "hunter2" not in caplog.text
