"""splunk_hec: its options, its request, its answers, beyond what the contract suite asks of every destination."""

import contextlib
import gzip
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence

import pytest
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, silence

from logferry.config import load
from logferry.destinations import Destination, Surroundings
from logferry.destinations.splunk_hec import Config, build
from logferry.errors import ConfigError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry.model import Payload
from logferry.vault import Vault

TOKEN = "0f0f0f0f-t0ken"
MINIMAL = {"url": "https://splunk.example:8088", "token": "secret://env/T"}


def built(url: str, *, token: str = TOKEN, options: Mapping[str, object] | None = None) -> Destination:
    """A collector at `url`."""
    config = load(Config, MINIMAL | {"url": url} | dict(options or {}))
    return build(config, Surroundings("task-1", Vault({"T": token}), lambda: 1_774_426_530.0))


def payload(*parts: bytes) -> Payload:
    """Parts as hec frames them."""
    return Payload(parts, range(len(parts)), b"\n".join(parts))


@contextlib.contextmanager
def served(*script: Behaviour, **options: object) -> Iterator[tuple[Misbehaving, Destination]]:
    """A scripted server and a collector that points at it."""
    with Misbehaving(*script) as server:
        destination = built(server.url, options=options)
        try:
            yield server, destination
        finally:
            destination.close()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "splunk.example:8088"}, "url: does not begin with http:// or https://, expected http://HOST:PORT"),
        ({"url": "splunk.example"}, "url: does not begin with http"),
        ({"url": "ftp://splunk.example"}, "url: does not begin with http"),
        ({"url": "https://"}, "url: has no host"),
        ({"url": "https://splunk.example:99999"}, "url: has no valid host and port"),
        ({"url": "https://splunk .example"}, "url: has no host or holds blanks"),
        ({"url": "https://user:hunter2@splunk.example"}, "url: holds credentials, expected none"),
        ({"url": "https://splunk.example/?token=hunter2"}, "url: holds ? or #"),
        ({"url": "https://splunk.example/services/collector/raw/"}, "url: the raw endpoint takes no envelopes"),
        ({"token": "hunter2"}, "token: "),
        ({"timeout": "0s"}, "timeout: 0s is not more than 0s"),
        ({"timeout": "120"}, "timeout: '120' is not a number and ms, s, m, h or d"),
        ({"max_bytes": 2_097_153}, "max_bytes: 2097153 is not between 1000 and 2097152"),
        ({"max_records": 0}, "max_records: 0 is not between 1 and 100000"),
        ({"in_flight": 0}, "in_flight: 0 is not between 1 and 64"),
        ({"event_format": "text"}, "event_format: 'text' is not one of object, string"),
        ({"verify": False, "ca_file": "/ca.pem"}, "ca_file: has no use with verify: false"),
        ({"index": ""}, "index: '' is not a text"),
        ({"endpoint": "raw", "host_field": "h"}, "host_field: has no use with endpoint: raw"),
        ({"endpoint": "raw", "event_format": "string"}, "event_format: has no use with endpoint: raw"),
        ({"endpoint": "raw", "url": "http://h/services/collector/event"}, "url: ends in /event"),
        ({"raw_field": "message"}, "raw_field: has no use without endpoint: raw"),
        ({"endpoint": "text"}, "endpoint: 'text' is not one of event, raw"),
        ({"ack_timeout": "0s"}, "ack_timeout: 0s is not more than 0s"),
        ({"ack_interval": "1ms"}, "ack_interval: 1ms is not between 20ms and 60s"),
        ({"idnex": "waf"}, "idnex: unknown key, did you mean index?"),
    ],
)
def test_wrong_option_is_named(options: dict[str, object], problem: str) -> None:
    """Each mistake is told with its option and what was expected, and never repeats a credential."""
    with pytest.raises(ConfigError) as caught:
        load(Config, MINIMAL | options)
    assert [found for found in caught.value.problems if found.startswith(problem)], caught.value.problems
    assert "hunter2" not in str(caught.value)


def test_defaults_are_the_documented_ones() -> None:
    """1 MB of at most 5,000 events, four on the way, gzip, 120 s."""
    config = load(Config, MINIMAL)
    limits = built("http://splunk.example").limits
    assert (limits.max_bytes, limits.max_records, limits.in_flight) == (1_000_000, 5_000, 4)
    assert (config.gzip, config.timeout, config.verify, config.event_format) == (True, "120s", True, "object")


@pytest.mark.parametrize(
    ("path", "events", "health"),
    [
        ("", "/services/collector/event", "/services/collector/health"),
        ("/", "/services/collector/event", "/services/collector/health"),
        ("/services/collector", "/services/collector", "/services/collector/health"),
        ("/splunk/services/collector/event", "/splunk/services/collector/event", "/splunk/services/collector/health"),
        ("/hec", "/hec", "/services/collector/health"),
    ],
)
def test_path_of_events_and_health(path: str, events: str, health: str) -> None:
    """The path may be left out or given; health is asked beside it."""
    with Misbehaving(answer(200, {"text": "HEC is healthy", "code": 17})) as server:
        destination = built(server.url + path)
        destination.check(10)
        destination.send(payload(b"{}"), 5)
        destination.close()
    assert [request.line for request in server.requests] == [f"GET {health} HTTP/1.1", f"POST {events} HTTP/1.1"]


@pytest.mark.parametrize(
    ("path", "options", "line"),
    [
        ("", {}, "/services/collector/raw"),
        ("/hec/services/collector/raw/1.0", {"source": "a b&c"}, "/hec/services/collector/raw/1.0?source=a%20b%26c"),
        ("", {"host": "h", "index": "i"}, "/services/collector/raw?host=h&index=i"),
    ],
)
def test_raw_takes_its_metadata_from_the_query(path: str, options: dict[str, object], line: str) -> None:
    """What is set stands there, escaped; the channel stays a header, and the body is text."""
    with Misbehaving(answer(200)) as server:
        destination = built(server.url + path, options={"endpoint": "raw", **options})
        destination.send(payload(b"line"), 5)
        destination.close()
    request = server.requests[0]
    assert request.line == f"POST {line} HTTP/1.1"
    assert (request.headers["content-type"], "x-splunk-request-channel" in request.headers) == (
        "text/plain; charset=utf-8", True
    )  # fmt: skip


def test_request_carries_token_channel_and_gzip() -> None:
    """Headers of a POST, and a body that unpacks to the frame; the channel is a GUID that stays."""
    with served(answer(200)) as (server, destination):
        for _ in range(2):
            destination.send(payload(b'{"event":"a"}', b'{"event":"b"}'), 5)
    first, second = server.requests
    assert first.headers["authorization"] == f"Splunk {TOKEN}"
    assert (first.headers["content-encoding"], first.headers["content-type"]) == ("gzip", "application/json")
    assert gzip.decompress(first.body) == b'{"event":"a"}\n{"event":"b"}'
    channel = first.headers["x-splunk-request-channel"]
    assert channel == str(uuid.UUID(channel)) == second.headers["x-splunk-request-channel"]


def test_gzip_can_be_switched_off() -> None:
    """The plain body goes out, without a content coding."""
    with served(answer(200), gzip=False) as (server, destination):
        destination.send(payload(b'{"event":"a"}'), 5)
    assert (server.requests[0].body, "content-encoding" in server.requests[0].headers) == (b'{"event":"a"}', False)


def test_empty_payload_is_not_sent() -> None:
    """An empty body would be answered "No data": nothing is asked."""
    with served(answer(400)) as (server, destination):
        destination.send(payload(), 5)
    assert server.requests == []


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "tab\t"])
def test_token_that_no_header_can_carry_is_misconfigured(token: str) -> None:
    """Blanks and foreign characters are told by the reference's name, not by the value."""
    with pytest.raises(Misconfigured, match="secret://env/T: holds blanks") as caught:
        built("http://127.0.0.1:1", token=token).send(payload(b"{}"), 5)
    assert token not in str(caught.value)


def test_own_time_out_bounds_a_request() -> None:
    """The smaller of `timeout` and the time left counts."""
    with (
        served(silence, timeout="300ms") as (_, destination),
        pytest.raises(Transient, match=r"within 0.3 s"),
    ):
        destination.send(payload(b"{}"), 60)


def test_verify_false_warns_at_each_start(caplog: pytest.LogCaptureFixture) -> None:
    """An unverified certificate is said once for each build."""
    for _ in range(2):
        built("https://splunk.example", options={"verify": False}).close()
    assert [line.getMessage() for line in caplog.records] == ["certificate not verified"] * 2


@pytest.mark.parametrize("code", [24, 25])
def test_nearly_full_collector_is_taken_with_a_warning(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """Codes 24 and 25 count as taken: resending would add to the load and to the index."""
    with served(answer(200, {"text": "HEC queue is approaching", "code": code})) as (_, destination):
        destination.send(payload(b"{}"), 5)
    assert [(line.levelno, line.getMessage()) for line in caplog.records] == [
        (logging.WARNING, "collector near its limit")
    ]


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, b"<html>"), (404, b""), (503, b'{"text":"HEC is unhealthy","code":18}'), (400, b'{"code":21}'), (302, b"")],
)
def test_health_is_advice(status: int, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the health page answers, the collector was reached: a warning, no error."""
    with served(answer(status, body)) as (_, destination):
        destination.check(10)
    assert [line.getMessage() for line in caplog.records] == ["collector health in doubt"]


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"OK", b"[]", b"\xff"])
def test_a_portals_success_is_not_the_collectors(body: bytes) -> None:
    """A 200 that no event collector gave must not count as delivered."""
    with served(answer(200, body)) as (_, destination), pytest.raises(Misconfigured, match="is the URL right"):
        destination.send(payload(b"{}"), 5)


@pytest.mark.parametrize("status", [400, 406, 409, 412, 422])
@pytest.mark.parametrize("body", [b"<html>Bad Request</html>", b"", b"[]", b'{"error":"no such route"}', b"\xff"])
def test_a_strangers_refusal_blames_no_record(status: int, body: bytes) -> None:
    """A 4xx that is not the collector's own JSON comes from a wrong address: held, not parked one by one."""
    with served(answer(status, body)) as (_, destination), pytest.raises(Misconfigured, match="is the URL right"):
        destination.send(payload(b"{}", b"{}"), 5)


@pytest.mark.parametrize("code", [6, 12, 13, 15])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_named_object_is_refused_and_those_before_it_count(code: int, number: int) -> None:
    """Exact repair: 0..i-1 are indexed, i is refused, the rest is in neither set and goes again."""
    body = {"text": "Scripted", "code": code, "invalid-event-number": number}
    with served(answer(400, body)) as (_, destination), pytest.raises(Refused) as caught:
        destination.send(payload(b"{}", b"{}", b"{}"), 5)
    assert caught.value.refused == {number: f"HTTP 400 code {code} (Scripted), object {number}"}
    assert caught.value.delivered == set(range(number))


@pytest.mark.parametrize("number", [3, -1, "1", None, True])
def test_unusable_object_number_bisects(number: object) -> None:
    """A number outside the payload, or none, does not say who is to blame: Permanent, to be bisected."""
    body = {"text": "Scripted", "code": 12} | ({} if number is None else {"invalid-event-number": number})
    with served(answer(400, body)) as (_, destination), pytest.raises(Permanent):
        destination.send(payload(b"{}", b"{}", b"{}"), 5)


@pytest.mark.parametrize(
    ("sizes", "number", "expected"),
    [([200_000] * 3, 0, TooLarge), ([200_000] * 3, 1, Refused), ([600_000], 0, Refused), ([1000] * 3, 0, Refused)],
)
def test_large_body_is_halved_before_object_0_is_blamed(
    sizes: Sequence[int], number: int, expected: type[Exception]
) -> None:
    """Code 6 naming object 0 of a large body of several parts is a size limit in disguise; else it is believed."""
    body = {"text": "Invalid data format", "code": 6, "invalid-event-number": number}
    with served(answer(400, body)) as (_, destination), pytest.raises(expected):
        destination.send(payload(*(b"x" * size for size in sizes)), 5)


def test_wrong_index_is_configuration_though_an_object_is_named() -> None:
    """Code 7 holds the task: every record has the same index."""
    body = {"text": "Incorrect index", "code": 7, "invalid-event-number": 1}
    with (
        served(answer(400, body)) as (_, destination),
        pytest.raises(Misconfigured, match=r"code 7 \(Incorrect index\), object 1"),
    ):
        destination.send(payload(b"{}", b"{}"), 5)


def test_text_of_an_answer_is_cut_and_cleaned() -> None:
    """A message holds at most 200 characters of the answer, on one line."""
    with served(answer(502, b"<html>\r\n" + b"x" * 5000)) as (_, destination), pytest.raises(Transient) as caught:
        destination.send(payload(b"{}"), 5)
    assert str(caught.value) == "HTTP 502: <html> " + "x" * 193 + "…"
