"""Which proxy a request goes through, and the way through each kind of proxy."""

import base64
import contextlib
import socket
import ssl
import threading
from pathlib import Path
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # its stubs leave it out

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Misbehaving, answer

from logferry.errors import Misconfigured, Transient
from logferry.transport._proxies import environments, proxy_of
from logferry.transport.reach import Reach
from logferry.transport.target import target_of
from logferry.transport.web import Web

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "found"),
    [
        ("http://a.example", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://a.example", {"http_proxy": PROXY, "HTTP_PROXY": "http://other:1"}, PROXY),
        ("http://a.example", {"http_proxy": "", "HTTP_PROXY": PROXY}, None),
        ("https://a.example", {"HTTP_PROXY": PROXY}, None),
        ("https://a.example", {"https_proxy": PROXY}, PROXY),
        ("https://a.example", {"ALL_PROXY": PROXY}, PROXY),
        ("http://a.example", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://a.example", {"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, PROXY),
        ("http://localhost:1", {"HTTP_PROXY": PROXY}, None),
        ("http://[::1]:1", {"HTTP_PROXY": PROXY}, None),
        ("http://127.8.8.8", {"HTTP_PROXY": PROXY}, None),
    ],
)
def test_the_environments_proxy_is_the_schemes_own(url: str, environ: dict[str, str], found: str | None) -> None:
    """Small letters win, and a header of a stranger (CGI) is none; loopback is reached straight."""
    assert environments(target_of(url), environ) == found


@pytest.mark.parametrize(
    ("exceptions", "excepted"),
    [
        ("*", True), ("a.example", True), (".example", True), ("example", True), ("x.example, A.Example ", True),
        ("a.example:8088", True), ("a.example:1", False), ("b.example", False), ("ample", False), ("", False),
        ("*.example", True), (",,", False), ("10.0.0.0/8", False),
    ],
)  # fmt: skip
def test_no_proxy_excepts_hosts_and_their_domains(exceptions: str, *, excepted: bool) -> None:
    """Whole labels from the end, in any case, with or without the port."""
    environ = {"HTTP_PROXY": PROXY, "NO_PROXY": exceptions}
    assert (environments(target_of("http://a.example:8088"), environ) is None) is excepted


@pytest.mark.parametrize(("network", "excepted"), [("10.1.0.0/16", True), ("10.2.0.0/16", False), ("10.1.2.3", True)])
def test_no_proxy_excepts_networks(network: str, *, excepted: bool) -> None:
    """IPv4 addresses within them."""
    environ = {"HTTP_PROXY": PROXY, "NO_PROXY": network}
    assert (environments(target_of("http://10.1.2.3"), environ) is None) is excepted


_LABEL = st.sampled_from(["a", "b", "ab", "example", "com"])


@given(st.lists(_LABEL, min_size=1, max_size=4), st.lists(st.lists(_LABEL, max_size=3), max_size=3), st.booleans())
def test_no_proxy_is_read_as_the_standard_library_reads_it(
    labels: list[str], ends: list[list[str]], dotted: bool  # noqa: FBT001  # hypothesis hands it over
) -> None:  # fmt: skip
    """Names and ends of names."""
    host, exceptions = ".".join(labels), ",".join(("." if dotted else "") + ".".join(end) for end in ends)
    excepted = environments(target_of(f"http://{host}"), {"http_proxy": PROXY, "no_proxy": exceptions}) is None
    assert excepted is bool(proxy_bypass_environment(host, {"no": exceptions}))


@pytest.mark.parametrize("address", ["", "hunter2:", "socks5://p:1", "http://", "http://p:99999", "http://p:x"])
def test_what_is_no_proxys_address_is_refused(address: str) -> None:
    """Without a scheme it is http, without a port the scheme's own; else nothing."""
    with pytest.raises(ValueError):  # noqa: PT011  # its text is never shown
        proxy_of(address)


def test_credentials_of_a_proxy_are_decoded_and_hidden() -> None:
    """Percent signs stand for what an address cannot hold."""
    proxy = proxy_of("user:p%40ss%3A@proxy.example:3128")
    assert proxy.authorization is not None
    assert base64.b64decode(proxy.authorization.reveal().removeprefix("Basic ")) == b"user:p@ss:"
    assert (proxy.host, proxy.port) == ("proxy.example", 3128)
    assert "p@ss" not in repr(proxy)
    assert proxy.authorization.reveal() not in repr(proxy)


class TlsProxy:
    """A forward proxy that is spoken to over TLS: each connection is one CONNECT, or one request in absolute form."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self.heads: list[bytes] = []
        self._context, self._port = context, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Its one connection was served."""
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            plain, _ = self._listener.accept()
            with self._context.wrap_socket(plain, server_side=True) as near:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += near.recv(1000)
                self.heads.append(head)
                if not head.startswith(b"CONNECT"):
                    near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain")
                    return
                near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                with socket.create_connection(("127.0.0.1", self._port), timeout=10) as far:
                    self._join(near, far)

    def _join(self, near: ssl.SSLSocket, far: socket.socket) -> None:
        def back() -> None:
            with contextlib.suppress(OSError):
                while piece := far.recv(65_536):
                    near.sendall(piece)

        thread = threading.Thread(target=back, daemon=True)
        thread.start()
        with contextlib.suppress(OSError):
            while piece := near.recv(65_536):
                far.sendall(piece)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_tls_goes_through_the_tls_of_a_proxy(tmp_path: Path) -> None:
    """Both certificates are verified, each for its own name, and the far side's answer comes through."""
    authority = Authority(tmp_path)
    inner = authority.issue(["splunk.example"]).server_context()
    with Misbehaving(answer(200, b"y" * 60_000), tls=inner) as server:
        proxy = TlsProxy(authority.issue().server_context(), server.port)
        web = Web(ca_file=str(authority.ca_file), proxy=lambda: proxy.url)
        with contextlib.closing(proxy), contextlib.closing(web):
            for _ in range(2):
                reply = web.request("POST", "https://splunk.example", headers={}, body=b"x" * 700_000, time_out=10)
                assert reply.body == b"y" * 60_000
    assert [request.body for request in server.requests] == [b"x" * 700_000] * 2
    assert proxy.heads[0].startswith(b"CONNECT splunk.example:443 HTTP/1.1\r\n")
    assert len(proxy.heads) == 1


def test_a_proxy_of_another_name_is_not_trusted(tmp_path: Path) -> None:
    """The far side's name is nobody's business whose own certificate does not verify."""
    authority = Authority(tmp_path)
    proxy = TlsProxy(authority.issue(["other.example"]).server_context(), 1)
    web = Web(ca_file=str(authority.ca_file), proxy=lambda: proxy.url)
    with contextlib.closing(proxy), contextlib.closing(web), pytest.raises(Misconfigured, match="does not verify"):
        web.request("POST", "https://splunk.example", headers={}, time_out=5)
    assert proxy.heads == []


def test_plain_http_goes_through_the_tls_of_a_proxy(tmp_path: Path) -> None:
    """In absolute form, with the proxy's credentials beside our own."""
    authority = Authority(tmp_path)
    proxy = TlsProxy(authority.issue().server_context(), 1)
    web = Web(ca_file=str(authority.ca_file), proxy=lambda: proxy.url.replace("//", "//u:p@"))
    with contextlib.closing(proxy), contextlib.closing(web):
        assert web.request("GET", "http://splunk.example/a", headers={}, time_out=5).body == b"plain"
    assert proxy.heads[0].startswith(b"GET http://splunk.example/a HTTP/1.1\r\nHost: splunk.example\r\n")
    assert b"Proxy-Authorization: Basic dTpw\r\n" in proxy.heads[0]


def test_addresses_are_judged_with_a_proxy_and_without() -> None:
    """A metadata address is refused in both ways, a proxy's own address where the task names it."""
    strict = Reach(private=False)
    with Misbehaving(answer(200)) as proxy:
        for web, url in (
            (Web(), "http://169.254.169.254/latest"),
            (Web(proxy=lambda: proxy.url), "http://169.254.169.254/latest"),
            (Web(reach=strict), proxy.url),
            (Web(proxy=lambda: proxy.url, reach=strict), "http://8.8.8.8/"),
        ):
            with pytest.raises(Misconfigured, match="nothing was sent"):
                web.request("GET", url, headers={}, time_out=2)
        assert proxy.connections == 0


def test_the_operators_own_proxy_may_be_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment names is no task's wish."""
    with Misbehaving(answer(200, b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        with contextlib.closing(Web(reach=Reach(private=False))) as web:
            assert web.request("GET", "http://far.example/", headers={}, time_out=2).body == b"by proxy"


def test_a_proxy_that_garbles_its_answer_sent_nothing() -> None:
    """What goes wrong before the tunnel stands is not in doubt."""
    with (
        Misbehaving(lambda connection: connection.sendall(b"what?\r\n\r\n")) as proxy,
        contextlib.closing(Web(proxy=lambda: proxy.url)) as web,
        pytest.raises(Transient, match="nothing was sent") as caught,
    ):
        web.request("POST", "https://splunk.example", headers={}, body=b"x", time_out=2)
    assert not caught.value.in_doubt
