"""http_server over real sockets: what a request carries, how often it is made, what `check` and `echo` find out."""

import contextlib
import gzip
import logging
import socket
import zlib
from collections.abc import Iterator
from urllib.parse import parse_qs, parse_qsl

import pytest
from tests.fakes.engine import Clock
from tests.fakes.misbehaving import Behaviour, Misbehaving, Request, answer

from logferry import signing
from logferry.config import load
from logferry.destinations import Echoes, Surroundings
from logferry.destinations.http_server import Config, encoder
from logferry.destinations.http_server.receiver import Clocks, Receiver
from logferry.destinations.http_server.request import batch_name
from logferry.errors import DeliveryError, Misconfigured, Permanent, Transient
from logferry.model import Origin, Payload, Record
from logferry.vault import Secret, Vault

NOW = 1_767_225_600.0
ENVIRON = {"KEY": "Logferry2026Key", "TOKEN": "Bearer a/b+c", "BAD": "a\nb", "SHORT": "a1"}
AUTH = {"private_key": "secret://env/KEY"}
ORIGIN = Origin("a/b", "MTc=", 1_767_225_600)
ONE = Payload((b"{}", b"{}"), (3, 7), b"{}\n{}\n", ORIGIN)


@contextlib.contextmanager
def site(*script: Behaviour, path: str = "/in", **options: object) -> Iterator[tuple[Receiver, Misbehaving, Clock]]:
    """A receiver that answers by script, and the destination before it."""
    with Misbehaving(*script) as server:
        clock = Clock()
        around = Surroundings("task-1", Vault(ENVIRON), lambda: NOW)
        config = load(Config, {"url": server.url + path, **options})
        made = Receiver(config, around, Clocks(clock, clock.sleep))
        try:
            yield made, server, clock
        finally:
            made.close()


def sent(**options: object) -> Request:
    """One payload's request."""
    with site(answer(200), **options) as (to, server, _):  # type: ignore[arg-type]  # `path` is among them
        to.send(ONE, 10)
        (request,) = server.requests
        return request


def test_request_is_a_post_of_lines() -> None:
    """Without any option: a POST of the body as it is, typed, named."""
    request = sent()
    assert request.line == "POST /in HTTP/1.1"
    assert request.body == ONE.body
    assert request.headers["content-type"] == "application/x-ndjson"
    assert "content-encoding" not in request.headers
    assert request.headers["x-logferry-batch"] == f"task-1/a%2Fb/MTc%3D/3-7/{zlib.crc32(ONE.body):08x}"


@pytest.mark.parametrize(
    ("compress", "coding"),
    [("gzip", "gzip"), ("zlib", "deflate"), ("snappy", "snappy"), ("snappy_framed", "x-snappy-framed"),
     ("zstd", "zstd"), ("no", None), ("none", None)],
)  # fmt: skip
def test_compression_is_named(compress: str, coding: str | None) -> None:
    """Content-Encoding says how to undo it."""
    assert sent(compress=compress).headers.get("content-encoding") == coding


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ({"prefix": "[", "separator": ",", "suffix": "]"}, "application/json"),
        ({"prefix": '{"records":[', "separator": ",", "suffix": "]}"}, "application/json"),
        ({"prefix": "cdnVersion:1.0"}, "text/plain; charset=utf-8"),
        ({"separator": "|"}, "text/plain; charset=utf-8"),
        ({"format": "csv", "columns": ["a"]}, "text/csv; charset=utf-8"),
        ({"format": "template", "template": "{a}"}, "text/plain; charset=utf-8"),
    ],
)
def test_content_type_follows_the_form(output: dict[str, object], kind: str) -> None:
    """What a body is, as far as it can be said."""
    assert sent(output=output).headers["content-type"] == kind


def test_headers_and_secrets_are_sent() -> None:
    """Literal values and secrets; a Content-Type of one's own replaces ours."""
    request = sent(headers={"X-Site": "a b", "Authorization": "secret://env/TOKEN", "content-type": "text/x-log"})
    assert request.headers["x-site"] == "a b"
    assert request.headers["authorization"] == "Bearer a/b+c"
    assert request.headers["content-type"] == "text/x-log"


def test_parameters_join_the_query_of_the_url() -> None:
    """Percent-encoded, after those of the URL, in their order."""
    request = sent(path="/in?site=a", params={"q": "a b&c=d/ü", "t": "secret://env/TOKEN"})
    target = request.line.split(" ")[1]
    assert target == "/in?site=a&q=a%20b%26c%3Dd%2F%C3%BC&t=Bearer%20a%2Fb%2Bc"
    assert parse_qsl(target.partition("?")[2]) == [("site", "a"), ("q", "a b&c=d/ü"), ("t", "Bearer a/b+c")]


@pytest.mark.parametrize(
    "path", ["", "/", "/in", "/a/./b/../c", "/a%7eb", "/日志", "/%e6%97%a5", "/a;b=c", "//in", "/in?x=1"]
)
def test_signature_is_good_for_the_path_as_it_is_sent(path: str) -> None:
    """The receiver hashes what it reads from the request line, whatever the HTTP library made of the URL."""
    request = sent(path=path, auth=AUTH)
    found = signing.verify(request.line.split(" ")[1], [Secret(ENVIRON["KEY"])], now=NOW + 300, longest=300)
    assert found.ok, request.line


def test_expiry_is_now_plus_expired_time() -> None:
    """Once, not twice."""
    value = parse_qs(sent(auth=AUTH | {"expired_time": "10m"}).line.split("?")[1].split(" ")[0])["auth_key"][0]
    assert value.split("-")[0] == str(int(NOW) + 600)


@pytest.mark.parametrize("path", ["/v1/log/upload", "v1/log/upload"])
def test_chosen_path_is_hashed_with_its_slash(path: str) -> None:
    """Behind a gateway that rewrites paths; a missing slash is added, as a request's path always has one."""
    target = sent(auth=AUTH | {"path": path}).line.split(" ")[1]
    assert signing.verify(target, [Secret(ENVIRON["KEY"])], now=NOW, path="/v1/log/upload").ok
    assert not signing.verify(target, [Secret(ENVIRON["KEY"])], now=NOW).ok


def test_each_request_is_signed_anew() -> None:
    """A repeat after a long wait is not expired, and no two values are the same."""
    with site(answer(500), answer(200), auth=AUTH) as (to, server, _):
        with contextlib.suppress(Transient):
            to.send(ONE, 10)
        to.send(ONE, 10)
        assert len({request.line for request in server.requests}) == 2
        assert len({request.headers["x-logferry-batch"] for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"auth": {"private_key": "secret://env/SHORT"}}, "secret://env/SHORT: the private key"),
        ({"auth": {"private_key": "secret://env/NONE"}}, "environment variable NONE is not set"),
        ({"headers": {"X-A": "secret://env/BAD"}}, "secret://env/BAD: holds a line break"),
    ],
)
def test_unusable_secret_holds_the_task(options: dict[str, object], says: str) -> None:
    """Nothing is sent, and the value is not told."""
    with site(answer(200), **options) as (to, server, _):  # type: ignore[arg-type]  # options
        with pytest.raises(Misconfigured, match=says):
            to.send(ONE, 10)
        with pytest.raises(Misconfigured, match=says):
            to.check(10)
        assert server.requests == []


def test_quick_repeats_end_in_a_pause() -> None:
    """After `max_retries` repeats the payload rests 30 s; nothing is given up, and a success starts anew."""
    with site(answer(500), answer(500), answer(500), answer(200), answer(500), max_retries=1) as (to, _, _clock):
        waits = []
        for _ in range(5):
            try:
                to.send(ONE, 10)
                waits.append(0.0)
            except Transient as error:
                waits.append(error.retry_after or 0.1)
        assert waits == [0.1, 30.0, 0.1, 0.0, 0.1]


def test_longer_wish_of_the_receiver_counts() -> None:
    """Its Retry-After is never undercut by our own pause."""
    script = answer(500, headers={"Retry-After": "120"})
    with site(script, max_retries=0) as (to, _, _clock), pytest.raises(Transient) as caught:
        to.send(ONE, 10)
    assert caught.value.retry_after == 120
    assert caught.value.in_doubt


def test_busy_receiver_is_left_alone() -> None:
    """While a Retry-After of 429 lasts, nobody else asks either."""
    with site(answer(429, headers={"Retry-After": "5"}), answer(200)) as (to, server, clock):
        for _ in range(2):
            with pytest.raises(Transient):
                to.send(ONE, 10)
        assert len(server.requests) == 1
        clock.sleep(5.1)
        to.send(ONE, 10)
        assert len(server.requests) == 2


def test_long_answer_does_not_undo_a_success() -> None:
    """A receiver that says back all it got has taken it; the next request goes over another connection."""
    with site(answer(200, b"x" * 1_000_000)) as (to, server, _):
        to.send(ONE, 10)
        to.send(ONE, 10)
        assert (len(server.requests), server.connections) == (2, 2)


def test_name_of_another_body_is_another_one() -> None:
    """A task that writes the same records in another form, later, is not taken for a repeat."""
    other = ONE._replace(body=b"[{},{}]")
    names = {batch_name("task-1", one) for one in (ONE, ONE, other)}
    assert len(names) == 2


def test_empty_payload_is_nothing_to_send() -> None:
    """No request is made for it."""
    with site(answer(200)) as (to, server, _):
        to.send(Payload((), (), b"", ORIGIN), 10)
        assert server.requests == []


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 405, 500, 501])
def test_check_is_content_with_an_answer(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Many receivers know no HEAD: it is said in the log at most, and nothing was posted."""
    caplog.set_level(logging.WARNING)
    with site(answer(status)) as (to, server, _):
        to.check(10)
        assert [request.line.split(" ")[0] for request in server.requests] == ["HEAD"]
        assert server.requests[0].body == b""
    assert ("receiver in doubt" in caplog.text) == (status not in (200, 204, 405))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, Misconfigured), (401, Misconfigured), (407, Misconfigured), (502, Transient), (503, Transient)],
)
def test_check_finds_what_posts_would_meet_too(status: int, kind: type[DeliveryError]) -> None:
    """A redirect, credentials, a gateway without a server behind it."""
    with site(answer(status)) as (to, _, _clock), pytest.raises(kind, match=f"HTTP {status}.* to HEAD"):
        to.check(10)


def test_check_carries_signature_and_credentials() -> None:
    """Else a receiver that checks them would refuse it."""
    with site(answer(200), auth=AUTH, headers={"Authorization": "secret://env/TOKEN"}) as (to, server, _):
        to.check(10)
        (request,) = server.requests
    assert signing.verify(request.line.split(" ")[1], [Secret(ENVIRON["KEY"])], now=NOW).ok
    assert request.headers["authorization"] == "Bearer a/b+c"
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("body", "echoed"), [(b"n0nce", True), (b'{"nonce":"n0nce"}', True), (b"ok", False), (b"", False)]
)
def test_echo_tells_whether_the_nonce_came_back(body: bytes, echoed: bool) -> None:  # noqa: FBT001  # a table of cases
    """The nonce is the whole body, uncompressed, signed like any request; a header says what it is."""
    with site(answer(200, body), auth=AUTH, compress="gzip", output={"prefix": "["}) as (to, server, _):
        assert isinstance(to, Echoes)
        assert to.echo("n0nce", 10) is echoed
        (request,) = server.requests
    assert request.body == b"n0nce"
    assert request.headers["x-logferry-challenge"] == "n0nce"
    assert "content-encoding" not in request.headers
    assert signing.verify(request.line.split(" ")[1], [Secret(ENVIRON["KEY"])], now=NOW).ok


def test_echo_raises_what_a_refusal_deserves() -> None:
    """A nonce in an answer that is no success counts for nothing."""
    with site(answer(403, b"n0nce")) as (to, _, _clock), pytest.raises(Misconfigured):
        to.echo("n0nce", 10)


def test_answer_that_echoes_our_request_is_not_repeated() -> None:
    """An error page with the URL in it gives away neither secret nor signature."""
    servers: list[Misbehaving] = []

    def mirror(connection: socket.socket) -> None:
        answer(400, servers[0].requests[-1].line.encode())(connection)

    with site(mirror, auth=AUTH, params={"t": "secret://env/TOKEN"}) as (to, server, _):
        servers.append(server)
        with pytest.raises(Permanent) as caught:
            to.send(ONE, 10)
    assert "POST /in?t=***&auth_key=*** HTTP" in str(caught.value)


def test_frame_keeps_the_limit_of_a_body() -> None:
    """A wide separator and long ends come off what the engine may put into a body."""
    output = {"prefix": "p" * 100, "separator": "<-->", "suffix": "s" * 50}
    config = load(Config, {"url": "http://a/in", "max_bytes": 5_000, "max_records": 100, "output": output})
    around = Surroundings("task-1", Vault({}))
    made, limits = encoder(config, around), Receiver(config, around, Clocks()).limits
    part = made.encode(Record(0, 1, 0, {"a": "b" * 22}))
    count = min(limits.max_bytes // (len(part) + 1), limits.max_records)
    assert count == 100
    assert len(made.frame([part] * count)) <= 5_000


def test_gzip_body_is_the_framed_one() -> None:
    """Compression comes last."""
    assert gzip.decompress(sent(compress="gzip").body) == ONE.body
