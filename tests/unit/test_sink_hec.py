"""The HEC sink answers as the collector does, and what it answered for is in its file."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from logferry.transport.web import Web
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Fault, Options, open_sink

GUID = "11111111-2222-3333-4444-555555555555"
GOOD = b'{"time":1774426530.5,"event":{"n":%d}}'


class Running(NamedTuple):
    """A sink and a client for it."""

    address: str
    out: Path
    web: Web

    def post(
        self, body: bytes = b"", path: str = "/services/collector/event", **headers: str
    ) -> tuple[int, dict[str, object]]:
        """Status and JSON of a POST; `Authorization` is right unless it is given."""
        sent = {"Authorization": "Splunk right"} | {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.web.request("POST", self.address + path, headers=sent, body=body, time_out=5)
        return reply.status, json.loads(reply.body) if reply.body.startswith(b"{") else {}

    def events(self) -> list[object]:
        """The `event` of each line of the file."""
        return [json.loads(line)["event"] for line in self.out.read_bytes().splitlines()]


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sinks (token `right`) and ends them."""
    closing: list[Callable[[], None]] = []

    def begin(*faults: Fault, **options: object) -> Running:
        out = tmp_path / "hec.ndjson"
        now = options.pop("now", time.monotonic)
        sink = open_sink(Place(out), Options(**({"token": "right"} | options)), faults=faults, now=now)  # type: ignore[arg-type]  # the options of the test
        web = Web()
        closing.extend((web.close, sink.close))
        return Running(sink.address, out, web)

    yield begin
    for close in closing:
        close()


@pytest.mark.parametrize("between", [b"", b"\n", b" \r\n\t"])
def test_concatenated_envelopes_are_indexed(start: Start, between: bytes) -> None:
    """Objects one after the other, with anything blank between, are taken in order."""
    sink = start()
    assert sink.post(between.join(GOOD % n for n in range(3))) == (200, {"text": "Success", "code": 0})
    assert sink.events() == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_array_is_indexed(start: Start) -> None:
    """A JSON array of envelopes is taken as well."""
    sink = start()
    assert sink.post(b"[" + b" ,\n".join(GOOD % n for n in range(3)) + b" ]")[0] == 200
    assert sink.events() == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"event": ', 6), (b"7", 6), (b'{"event":"\xff"}', 6), (b'{"event":NaN}', 6),
        (b'{"event":"x","time":"noon"}', 6),
        (b'{"event":"x","host":5}', 6), (b'{"time":1}', 12), (b'{"event":""}', 13), (b'{"event":null}', 13),
        (b'{"event":"x","fields":{"a":{"b":1}}}', 15), (b'{"event":"x","fields":[]}', 15),
    ],
)  # fmt: skip
def test_bad_object_is_named_and_what_is_before_it_counts(start: Start, bad: bytes, code: int) -> None:
    """The prefix is indexed, the bad object is named, nothing after it is taken."""
    sink = start()
    status, answer = sink.post(b"\n".join([GOOD % 0, GOOD % 1, bad, GOOD % 3]))
    assert (status, answer["code"], answer["invalid-event-number"]) == (400, code, 2)
    assert sink.events() == [{"n": 0}, {"n": 1}]


def test_wrong_index_names_the_object_after(start: Start) -> None:
    """Code 7 counts one further than the object with the index that is not allowed."""
    sink = start(indexes="waf,main")
    status, answer = sink.post(b'{"event":"a","index":"waf"}{"event":"b"}{"event":"c","index":"other"}')
    assert (status, answer["code"], answer["invalid-event-number"]) == (400, 7, 3)
    assert sink.events() == ["a", "b"]


def test_unknown_key_ends_the_body_silently(start: Start) -> None:
    """An unknown key gives 200 for what came before, and "no data" if nothing did."""
    sink = start()
    assert sink.post(GOOD % 0 + b'{"event":"x","mine":1}' + GOOD % 2)[0] == 200
    assert sink.events() == [{"n": 0}]
    assert sink.post(b'{"event":"x","mine":1}')[1]["code"] == 5


def test_fields_without_event_is_passed_over(start: Start) -> None:
    """An object with fields only is answered 200 and not indexed."""
    sink = start()
    assert sink.post(b'{"fields":{"a":"1"}}' + GOOD % 1)[0] == 200
    assert sink.events() == [{"n": 1}]


@pytest.mark.parametrize("body", [b"", b" \n", b"[]"])
def test_empty_body_is_no_data(start: Start, body: bytes) -> None:
    """Nothing at all is code 5."""
    assert start().post(body) == (400, {"text": "No data", "code": 5})


def test_number_text_stays_exact_in_the_file(start: Start) -> None:
    """A time with nanoseconds is in the file digit for digit, line breaks between tokens aside."""
    sink = start()
    assert sink.post(b'{\n"time": 1774426530.123456789, "event": "a\\nb"}')[0] == 200
    assert sink.out.read_bytes() == b'{ "time": 1774426530.123456789, "event": "a\\nb"}\n'


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 401, 2), ("Bearer right", 401, 3), ("Basic right", 401, 3), ("Splunk wrong", 403, 4),
        ("splunk right", 200, 0),
        ("Basic " + base64.b64encode(b"any:right").decode(), 200, 0),
    ],
)  # fmt: skip
def test_authorisation(start: Start, authorization: str, status: int, code: int) -> None:
    """Missing, foreign, unknown and right credentials have their answers."""
    found, answer = start().post(GOOD % 0, Authorization=authorization)
    assert (found, answer["code"]) == (status, code)


def test_token_in_the_query_is_refused(start: Start) -> None:
    """`?token=` is answered with code 16."""
    assert start().post(GOOD % 0, "/services/collector?token=right", Authorization="")[1]["code"] == 16


def test_gzip_is_taken_and_deflate_is_not(start: Start) -> None:
    """gzip is unpacked; another coding or broken gzip is 415."""
    sink = start()
    assert sink.post(gzip.compress(GOOD % 0), Content_Encoding="gzip")[0] == 200
    assert sink.post(b"x", Content_Encoding="deflate")[0] == 415
    assert sink.post(gzip.compress(GOOD % 0)[:-9], Content_Encoding="gzip")[0] == 415
    assert sink.events() == [{"n": 0}]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_body_over_the_limit_is_413(start: Start, coding: str) -> None:
    """The limit holds on the wire and after unpacking."""
    sink = start(max_bytes=1000)
    body = (GOOD % 0) * 1000
    assert sink.post(body if coding == "identity" else gzip.compress(body), Content_Encoding=coding)[0] == 413
    assert sink.out.read_bytes() == b""


def test_cloud_blames_object_0_for_a_large_body(start: Start) -> None:
    """With `cloud`, over 5 MiB is code 6 naming object 0, and nothing is indexed."""
    sink = start(cloud=True)
    body = b"\n".join([b'{"event":"%b"}' % (b"x" * 1_000_000)] * 6)
    assert sink.post(body) == (400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 0})
    assert sink.events() == []


def test_acknowledgement_needs_a_channel_and_is_told_once(start: Start) -> None:
    """With `ack`: ids count from 0 for each channel, `true` is told once, an unknown id is `false`."""
    sink = start(ack=True)
    assert sink.post(GOOD % 0)[1]["code"] == 10
    assert sink.post(GOOD % 0, X_Splunk_Request_Channel="mine")[1]["code"] == 11
    assert sink.post(GOOD % 0, X_Splunk_Request_Channel=GUID)[1]["ackId"] == 0
    assert sink.post(GOOD % 1, X_Splunk_Request_Channel=GUID.replace("1", "9"))[1]["ackId"] == 0
    for expected in (True, False):
        polled = sink.post(b'{"acks":[0,7]}', "/services/collector/ack?channel=" + GUID)
        assert polled == (200, {"acks": {"0": expected, "7": False}})


def test_ack_without_acknowledgement_is_code_14(start: Start) -> None:
    """Polling where it is off has its own answer."""
    assert start().post(b'{"acks":[0]}', "/services/collector/ack")[1]["code"] == 14


def test_raw_text_is_an_event_a_line(start: Start) -> None:
    """The raw endpoint splits lines and takes metadata from the query."""
    sink = start()
    assert sink.post(b"one\ntwo\n", "/services/collector/raw/1.0?source=s&nonsense=1")[0] == 200
    assert sink.out.read_bytes() == b'{"source":"s","event":"one"}\n{"source":"s","event":"two"}\n'


@pytest.mark.parametrize(
    ("method", "path", "token", "status", "code"),
    [
        ("GET", "/services/collector/health", "right", 200, 17),
        ("GET", "/services/collector/health/1.0", "wrong", 400, 21),
        ("GET", "/services/collector/event", "right", 405, 404), ("POST", "/services/other", "right", 404, 404),
        ("OPTIONS", "/services/collector/event", "", 200, None),
    ],
)  # fmt: skip
def test_other_paths_and_methods(
    start: Start, method: str, path: str, token: str, status: int, code: int | None
) -> None:
    """Health, unknown paths, wrong methods and OPTIONS answer as the collector does."""
    sink = start()
    headers = {"Authorization": f"Splunk {token}"} if token else {}
    reply = sink.web.request(method, sink.address + path, headers=headers, time_out=5)
    assert (reply.status, json.loads(reply.body or b"{}").get("code")) == (status, code)


def test_faults_are_given_first(start: Start) -> None:
    """Scripted answers come in order; one marked `taken` keeps the body all the same."""
    busy = Fault(status=503, body={"text": "Server is busy", "code": 9}, headers={"Retry-After": "1"})
    sink = start(busy, Fault(status=500, body="oops", taken=True))
    assert sink.post(GOOD % 0) == (503, {"text": "Server is busy", "code": 9})
    assert sink.post(GOOD % 1) == (500, {})
    assert sink.post(GOOD % 2)[0] == 200
    assert sink.events() == [{"n": 1}, {"n": 2}]


def test_faults_come_from_a_file_too(start: Start, tmp_path: Path) -> None:
    """`--faults FILE` is a JSON list of the same."""
    (tmp_path / "faults.json").write_text('[{"status": 429, "headers": {"Retry-After": "2"}}]')
    sink = start(faults=str(tmp_path / "faults.json"))
    assert [sink.post(GOOD % 0)[0], sink.post(GOOD % 0)[0]] == [429, 200]


ACK = "/services/collector/ack?channel=" + GUID


def polled(sink: Running, *ids: int) -> dict[str, bool]:
    """What the collector says of these ids of our channel."""
    return sink.post(json.dumps({"acks": ids}).encode(), ACK)[1]["acks"]  # type: ignore[return-value]  # so it is


def test_events_are_indexed_before_they_are_acknowledged(start: Start) -> None:
    """With a delay nothing is in the file, and nothing acknowledged, before it has passed."""
    now = [0.0]
    sink = start(ack=True, ack_delay=5, now=lambda: now[0])
    sink.post(GOOD % 0, X_Splunk_Request_Channel=GUID)
    assert (polled(sink, 0), sink.events()) == ({"0": False}, [])
    now[0] = 5.0
    assert (polled(sink, 0), sink.events()) == ({"0": True}, [{"n": 0}])


def test_forgetful_collector_loses_what_it_had_not_indexed(start: Start) -> None:
    """After so many posts ids begin at 0 again, waiting events are gone, and the tally says so."""
    sink = start(ack=True, ack_delay=60, forget_every=2)
    ids = [sink.post(GOOD % n, X_Splunk_Request_Channel=GUID)[1]["ackId"] for n in range(3)]
    assert (ids, polled(sink, 1), sink.events()) == ([0, 1, 0], {"1": False}, [])
    tally = json.loads(sink.web.request("GET", sink.address + "/tally", headers={}, time_out=5).body)
    assert tally == {"accepted": 3, "indexed": 0, "acknowledged": 0, "lost": 2}


def test_full_channel_is_code_27_after_a_warning(start: Start) -> None:
    """From 80 % of the limit on code 25, over it 27; once told, there is room again."""
    sink = start(ack=True, ack_limit=5)
    codes = [sink.post(GOOD % n, X_Splunk_Request_Channel=GUID)[1]["code"] for n in range(6)]
    assert codes == [0, 0, 0, 25, 25, 27]
    assert polled(sink, 0, 1) == {"0": True, "1": True}
    assert sink.post(GOOD % 6, X_Splunk_Request_Channel=GUID)[1]["code"] == 25


def test_sticky_collector_wants_its_cookie_on_a_known_channel(start: Start) -> None:
    """A client that forgets the cookie is told code 28; one that keeps it is served."""
    sink = start(ack=True, sticky=True)
    assert sink.post(GOOD % 0, X_Splunk_Request_Channel=GUID)[0] == 200
    assert sink.post(GOOD % 1, X_Splunk_Request_Channel=GUID)[1]["code"] == 28
    keeping = sink._replace(web=Web(cookies=True))
    keeping.post(GOOD % 2, X_Splunk_Request_Channel=GUID)
    assert keeping.post(GOOD % 3, X_Splunk_Request_Channel=GUID)[1]["ackId"] == 1
    keeping.web.close()


def test_busy_on_demand(start: Start, tmp_path: Path) -> None:
    """While the file is there posts are code 9 and the health page 18."""
    sink = start(busy_while=str(tmp_path / "busy"))
    (tmp_path / "busy").touch()
    assert sink.post(GOOD % 0)[1]["code"] == 9
    right = {"Authorization": "Splunk right"}
    health = sink.web.request("GET", sink.address + "/services/collector/health", headers=right, time_out=5)
    assert (health.status, json.loads(health.body)["code"]) == (503, 18)
    (tmp_path / "busy").unlink()
    assert sink.post(GOOD % 0)[0] == 200
