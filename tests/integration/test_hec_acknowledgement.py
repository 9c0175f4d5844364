"""`ack: true` against the HEC sink over real sockets: what `send` returned for is indexed, whatever is forgotten."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest

from logferry.config import load
from logferry.destinations import Destination, Surroundings
from logferry.destinations.splunk_hec import Config, build
from logferry.errors import DeliveryError, Misconfigured, Refused, Transient
from logferry.model import Payload
from logferry.vault import Vault
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Fault, Options, open_sink

QUICK = {"ack": True, "ack_interval": "20ms", "ack_timeout": "2s"}


@contextlib.contextmanager
def running(
    folder: Path, *faults: Fault, to: dict[str, object] | None = None, **options: object
) -> Iterator[Destination]:
    """A sink with acknowledgement, and a destination for it."""
    sink = open_sink(Place(folder / "hec.ndjson"), Options(**({"ack": True} | options)), faults=faults)  # type: ignore[arg-type]  # the sink's options
    config = load(Config, {"url": sink.address, "token": "secret://env/T", **QUICK, **(to or {})})
    destination = build(config, Surroundings("task-1", Vault({"T": "token"})))
    try:
        yield destination
    finally:
        destination.close()
        sink.close()


def payload(*numbers: int, size: int = 1) -> Payload:
    """Numbered events."""
    parts = [b'{"event":{"n":%d,"x":"%s"}}' % (n, b"x" * size) for n in numbers]
    return Payload(parts, numbers, b"\n".join(parts))


def indexed(folder: Path) -> list[int]:
    """What is in the sink's file."""
    return [orjson.loads(line)["event"]["n"] for line in (folder / "hec.ndjson").read_bytes().splitlines()]


def side_by_side(destination: Destination, payloads: Sequence[Payload]) -> list[DeliveryError]:
    """All at once, each in a thread; what went wrong."""
    errors: list[DeliveryError] = []

    def work(one: Payload) -> None:
        try:
            destination.send(one, 20)
        except DeliveryError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in payloads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors


def test_send_returns_when_it_is_indexed(tmp_path: Path) -> None:
    """Not with the 200, but with the acknowledgement, half a second later."""
    with running(tmp_path, ack_delay=0.5) as destination:
        begun = time.monotonic()
        destination.send(payload(0, 1), 10)
        assert 0.5 <= time.monotonic() - begun < 2
        assert indexed(tmp_path) == [0, 1]


def test_more_wait_by_default_with_acknowledgement(tmp_path: Path) -> None:
    """Sixteen payloads on the way, unless `in_flight` says otherwise."""
    with running(tmp_path) as sixteen, running(tmp_path, to={"in_flight": 2}) as two:
        assert (sixteen.limits.in_flight, two.limits.in_flight) == (16, 2)


def test_payloads_wait_together(tmp_path: Path) -> None:
    """Sixteen that are acknowledged after half a second take about as long as one."""
    with running(tmp_path, ack_delay=0.5) as destination:
        begun = time.monotonic()
        assert side_by_side(destination, [payload(n) for n in range(16)]) == []
        assert time.monotonic() - begun < 3
    assert sorted(indexed(tmp_path)) == list(range(16))


def test_no_acknowledgement_in_time_is_in_doubt(tmp_path: Path) -> None:
    """It is sent again, and counted as perhaps repeated."""
    with (
        running(tmp_path, ack_delay=60, to={"ack_timeout": "300ms"}) as destination,
        pytest.raises(Transient, match=r"no acknowledgement within 0\.3 s") as caught,
    ):
        destination.send(payload(0), 10)
    assert caught.value.in_doubt


def test_too_little_time_for_an_acknowledgement_posts_nothing(tmp_path: Path) -> None:
    """A call that ends before the acknowledgement can come would only make a repeat."""
    with (
        running(tmp_path, to={"ack_timeout": "180s"}) as destination,
        pytest.raises(Transient, match=r"20 s are left, an acknowledgement may take 30 s; nothing was sent") as caught,
    ):
        destination.send(payload(0), 20)
    assert (caught.value.in_doubt, caught.value.retry_after) == (False, 30.0)
    assert indexed(tmp_path) == []


def test_quick_collector_needs_little_time(tmp_path: Path) -> None:
    """Once acknowledgements are known to come at once, a few seconds are enough."""
    with running(tmp_path, to={"ack_timeout": "180s"}) as destination:
        destination.send(payload(0), 31)
        destination.send(payload(1), 2.5)
    assert indexed(tmp_path) == [0, 1]


def test_collector_that_forgets_loses_nothing(tmp_path: Path) -> None:
    """Every seven posts ids and waiting events are gone: each payload that `send` returned for is in the file."""
    returned: list[int] = []
    todo, doubts = list(range(60)), 0
    with running(tmp_path, ack_delay=0.03, forget_every=7, to={"ack_timeout": "400ms"}) as destination:
        lock = threading.Lock()

        def work() -> None:
            nonlocal doubts
            while True:
                with lock:
                    if not todo:
                        return
                    n = todo.pop(0)
                try:
                    destination.send(payload(n), 20)
                    returned.append(n)
                except Transient as error:
                    with lock:
                        doubts += error.in_doubt
                        todo.append(n)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert doubts, "nothing was forgotten"
        assert set(returned) <= set(indexed(tmp_path))
    assert sorted(returned) == list(range(60))


def test_token_without_acknowledgement_works_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No `ackId`: one warning, and what is taken counts."""
    with running(tmp_path, ack=False) as destination:
        for n in range(3):
            destination.send(payload(n), 10)
    assert indexed(tmp_path) == [0, 1, 2]
    assert [line.getMessage().partition(",")[0] for line in caplog.records] == ["acknowledgement is off"]


def test_full_channel_slows_down_and_gets_through(tmp_path: Path) -> None:
    """Codes 25 and 27: fewer at once, the refused are sent again by the engine, none is in doubt."""
    with running(tmp_path, ack_delay=0.1, ack_limit=3) as destination:
        todo = [payload(n) for n in range(12)]
        for _ in range(20):
            errors = side_by_side(destination, todo)
            assert [error for error in errors if error.in_doubt or not isinstance(error, Transient)] == []
            done = set(indexed(tmp_path))
            todo = [one for one in todo if one.ordinals[0] not in done]
            if not todo:
                break
            time.sleep(0.2)
    assert sorted(indexed(tmp_path)) == list(range(12))


def test_cookies_lead_every_thread_to_the_same_indexer(tmp_path: Path) -> None:
    """A collector behind sticky sessions: the first request alone, then all with its cookie."""
    with running(tmp_path, sticky=True) as destination:
        assert side_by_side(destination, [payload(n) for n in range(12)]) == []
    assert sorted(indexed(tmp_path)) == list(range(12))


def test_events_before_a_refused_one_are_acknowledged_too(tmp_path: Path) -> None:
    """The exact repair waits for what was taken before the culprit."""
    with running(tmp_path, ack_delay=0.3, max_event_bytes=500) as destination:
        bad = payload(0, 1, size=10), payload(2, size=900), payload(3)
        parts = [part for one in bad for part in one.parts]
        with pytest.raises(Refused) as caught:
            destination.send(Payload(parts, range(4), b"\n".join(parts)), 10)
        assert (list(caught.value.refused), sorted(caught.value.delivered)) == ([2], [0, 1])
        assert indexed(tmp_path) == [0, 1]


@pytest.mark.parametrize(
    ("code", "advice"),
    [(10, "does a proxy drop X-Splunk"), (11, "does something rewrite X-Splunk"), (28, "needs sticky sessions")],
)
def test_channel_trouble_says_what_to_do(tmp_path: Path, code: int, advice: str) -> None:
    """Codes 10, 11 and 28 hold the task, with the way out."""
    fault = Fault(status=400, body={"text": "Data channel", "code": code})
    with running(tmp_path, fault) as destination, pytest.raises(Misconfigured, match=advice):
        destination.send(payload(0), 10)
