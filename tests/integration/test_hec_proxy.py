"""HEC through a real forward proxy: absolute form for http, a tunnel for https, credentials from a secret."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.forward_proxy import ForwardProxy
from tests.fakes.misbehaving import Misbehaving, answer

from logferry.config import load
from logferry.destinations import Destination, Surroundings
from logferry.destinations.splunk_hec import Config, build
from logferry.errors import ConfigError, Misconfigured, Transient
from logferry.model import Payload
from logferry.vault import Vault
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Options, open_sink

HOST = "splunk.example:8088"
ONE = Payload((b'{"event":1}',), (0,), b'{"event":1}')


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A HEC sink's port."""
    sink = open_sink(Place(tmp_path / "hec.ndjson"), Options())
    yield int(sink.address.rpartition(":")[2])
    sink.close()


@contextlib.contextmanager
def collector(url: str, environ: Mapping[str, str] | None = None, **options: object) -> Iterator[Destination]:
    """A destination, closed at the end."""
    config = load(Config, {"url": url, "token": "secret://env/T", **options})
    made = build(config, Surroundings("task-1", Vault({"T": "token", **(environ or {})})))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_http_goes_through_the_environments_proxy(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The proxy is asked for the far side by name, for the health page and for events, and they arrive."""
    monkeypatch.setenv("NO_PROXY", "")
    with ForwardProxy({HOST: port}) as proxy, collector(f"http://{HOST}") as destination:
        monkeypatch.setenv(name, proxy.url)
        destination.check(10)
        destination.send(ONE, 10)
    assert [line.split(" ")[1] for line in proxy.asked] == [
        f"http://{HOST}/services/collector/health", f"http://{HOST}/services/collector/event"
    ]  # fmt: skip
    assert (tmp_path / "hec.ndjson").read_bytes() == b'{"event":1}\n'


def test_https_is_tunnelled_and_verified_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONNECT, then TLS with the collector itself: its certificate counts, the proxy sees host and port only."""
    authority = Authority(tmp_path / "authority")
    context = authority.issue(["splunk.example"]).server_context()
    with (
        Misbehaving(answer(200, {"text": "Success", "code": 0}), tls=context) as server,
        ForwardProxy({HOST: server.port}) as proxy,
        collector(f"https://{HOST}", ca_file=str(authority.ca_file)) as destination,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        destination.send(ONE, 10)
        destination.send(ONE, 10)
    assert [line.rpartition(" ")[0] for line in proxy.asked] == [f"CONNECT {HOST}"]
    assert len(server.requests) == 2
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_own_proxy_is_used_for_any_address(port: int, tmp_path: Path, host: str) -> None:
    """`proxy` counts for loopback too, and instead of the environment."""
    with (
        ForwardProxy({f"{host}:{port}": port}) as proxy,
        collector(f"http://{host}:{port}", proxy=proxy.url) as destination,
    ):
        destination.send(ONE, 10)
    assert len(proxy.asked) == 1
    assert (tmp_path / "hec.ndjson").read_bytes() == b'{"event":1}\n'


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credentials_come_from_a_secret_and_stay_secret(
    port: int, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong ones hold the task without being told; after a refresh the right ones pass."""
    with ForwardProxy({HOST: port}, credentials="user:pr0xy-pass") as proxy:
        environ = {"T": "token", "PROXY": proxy.url.replace("//", "//user:wr0ng-pass@")}
        config = load(Config, {"url": f"{scheme}://{HOST}", "token": "secret://env/T", "proxy": "secret://env/PROXY"})
        destination = build(config, Surroundings("task-1", Vault(environ)))
        with pytest.raises(Misconfigured, match="407") as caught:
            destination.send(ONE, 10)
        environ["PROXY"] = proxy.url.replace("//", "//user:pr0xy-pass@")
        assert destination.refresh()
        if scheme == "http":
            destination.send(ONE, 10)
        destination.close()
    assert len(proxy.asked) == (scheme == "http")
    told = str(caught.value) + caplog.text
    assert "wr0ng-pass" not in told
    assert "pr0xy-pass" not in told


def test_proxy_that_cannot_reach_the_collector_sent_nothing() -> None:
    """502 to CONNECT: tried again, not in doubt."""
    with (
        ForwardProxy({}) as proxy,
        collector(f"https://{HOST}", proxy=proxy.url) as destination,
        pytest.raises(Transient, match=r"could not reach it \(502\); nothing was sent") as caught,
    ):
        destination.send(ONE, 10)
    assert not caught.value.in_doubt


def test_tunnel_that_is_forbidden_is_misconfigured() -> None:
    """403 to CONNECT needs a person."""
    with (
        Misbehaving(answer(403)) as proxy,
        collector(f"https://{HOST}", proxy=proxy.url) as destination,
        pytest.raises(Misconfigured, match=r"does not let us through \(403\)"),
    ):
        destination.send(ONE, 10)


def test_secret_that_is_no_address_is_misconfigured() -> None:
    """What the secret holds is seen when it is used, and not repeated."""
    with (
        collector(f"https://{HOST}", {"PROXY": "hunter2:"}, proxy="secret://env/PROXY") as destination,
        pytest.raises(Misconfigured, match="the proxy's address is none") as caught,
    ):
        destination.send(ONE, 10)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("proxy.example:3128", "proxy: is not http://HOST:PORT"),
        ("socks5://proxy.example:1080", "proxy: is not http://HOST:PORT"),
        ("http://proxy.example:99999", "proxy: is not http://HOST:PORT"),
        ("http://proxy.example:3128/path", "proxy: is not http://HOST:PORT"),
        ("http://user:hunter2@proxy.example:3128", "proxy: holds credentials"),
    ],
)
def test_wrong_proxy_option_is_named(proxy: str, problem: str) -> None:
    """An address in plain sight is checked at once, and never repeated."""
    with pytest.raises(ConfigError) as caught:
        load(Config, {"url": "https://h:1", "token": "secret://env/T", "proxy": proxy})
    assert caught.value.problems[0].startswith(problem)
    assert "hunter2" not in str(caught.value)
