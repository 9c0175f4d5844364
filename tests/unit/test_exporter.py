"""The worker's metrics, scraped over a socket and read by the library's own parser."""

import json
import socket
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.engine import Clock

from logferry.errors import ConfigError
from logferry.model import Counts, Effort, Lag, Outcome
from logferry.rounds import Visit
from logferry_local.exporter import COUNTERS, GAUGES, Exporter

Samples = dict[tuple[str, ...], float]
FIVE = Outcome(task="waf", stream="0", counts=Counts(read=5, delivered=4, parked=1), effort=Effort(batches=1, bytes=70))


class Scraped:
    """An exporter and what a scraper sees of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.alive = True
        self.exporter = Exporter(lambda: self.alive, self.clock)
        self.url = ""

    def samples(self) -> Samples:
        """Every sample by name and label values."""
        answer = requests.get(f"{self.url}/metrics", timeout=10)
        answer.raise_for_status()
        families = list(text_string_to_metric_families(answer.text))
        order = ("task", "stream", "fate")
        return {
            (one.name, *(one.labels[label] for label in order if label in one.labels)): one.value
            for family in families
            for one in family.samples
        }

    def health(self) -> tuple[int, object]:
        """Status and body of /healthz."""
        answer = requests.get(f"{self.url}/healthz", timeout=10)
        return answer.status_code, json.loads(answer.text)


@pytest.fixture
def scraped() -> Iterator[Scraped]:
    """One that listens on loopback."""
    made = Scraped()
    with made.exporter.serving() as made.url:
        yield made


def test_counters_add_up_over_visits(scraped: Scraped) -> None:
    """Records by fate, and what it took."""
    scraped.exporter.observe(Visit({("waf", "0"): FIVE}))
    scraped.exporter.observe(Visit({("waf", "0"): FIVE, ("cdn", "1"): Outcome(task="cdn", stream="1")}))
    found = scraped.samples()
    fates = {fate: found["logferry_records_total", "waf", "0", fate] for fate in ("read", "delivered", "parked")}
    assert fates == {"read": 10, "delivered": 8, "parked": 2}
    assert (found["logferry_bytes_total", "waf", "0"], found["logferry_batches_total", "waf", "0"]) == (140, 2)
    assert found["logferry_records_total", "cdn", "1", "maybe_repeated"] == 0


def test_gauges_say_how_a_stream_stands_now(scraped: Scraped) -> None:
    """Lag is 0 again once the end is reached."""
    late = Outcome(task="waf", stream="0", finished=False, note="out of time")
    lag = Lag(seconds=400.0, left=2000.0, over=True)
    scraped.exporter.observe(Visit({("waf", "0"): late}, {}, {("waf", "0"): lag}))
    found = scraped.samples()
    names = ("lag_seconds", "lag_over_max", "retention_left_seconds")
    assert [found[f"logferry_{name}", "waf", "0"] for name in names] == [400, 1, 2000]
    assert found["logferry_last_visit_timestamp_seconds", "waf", "0"] == scraped.clock.now
    scraped.exporter.observe(Visit({("waf", "0"): FIVE}))
    assert [scraped.samples()[f"logferry_{name}", "waf", "0"] for name in names[:2]] == [0, 0]


def test_a_held_task_shows_and_is_no_reason_to_restart_the_worker(scraped: Scraped) -> None:
    """One sample a task, whatever its streams say."""
    scraped.exporter.observe(Visit({("waf", "0"): FIVE}, {"waf": "HTTP 401", "cdn": "HTTP 403"}))
    found = scraped.samples()
    assert (found["logferry_held", "waf"], found["logferry_held", "cdn"]) == (1, 1)
    assert scraped.health() == (200, {"alive": True, "held": ["cdn", "waf"]})
    scraped.exporter.observe(Visit({("waf", "0"): FIVE, ("cdn", "0"): Outcome(task="cdn", stream="0")}))
    assert {scraped.samples()["logferry_held", task] for task in ("waf", "cdn")} == {0}


def test_a_stream_of_another_worker_by_now_keeps_its_counters_only(scraped: Scraped) -> None:
    """An old lag would be a false alarm for ever; a counter that vanished would count again from 0."""
    scraped.exporter.observe(Visit({("waf", "0"): FIVE}))
    scraped.clock.forward(121)
    found = scraped.samples()
    assert found["logferry_records_total", "waf", "0", "read"] == 5
    assert [name for name in found if name[0] in {f"logferry_{gauge}" for gauge in GAUGES}] == []


def test_a_worker_that_ended_is_not_healthy(scraped: Scraped) -> None:
    """Whoever started it shall start it again."""
    scraped.alive = False
    assert scraped.health() == (503, {"alive": False, "held": []})


def test_every_metric_has_its_help(scraped: Scraped) -> None:
    """Names, kinds and meanings stand in the answer before anything was delivered."""
    text = requests.get(f"{scraped.url}/metrics", timeout=10).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: families[f"logferry_{name}"].documentation for name in COUNTERS | GAUGES} == COUNTERS | GAUGES
    assert {families[f"logferry_{name}"].type for name in COUNTERS} == {"counter"}


def test_only_two_paths_are_answered(scraped: Scraped) -> None:
    """Anything else is named as not there."""
    assert requests.get(f"{scraped.url}/", timeout=10).status_code == 404


def test_a_port_in_use_is_told() -> None:
    """The worker does not start without the metrics that were asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"metrics: 127\.0\.0\.1:{port} cannot be listened on"):
            Exporter(lambda: True).serving("127.0.0.1", port).__enter__()


def test_an_ipv6_address_is_served() -> None:
    """Its URL has the brackets that it needs."""
    exporter = Exporter(lambda: True)
    with exporter.serving("::1") as url:
        assert url.startswith("http://[::1]:")
        assert requests.get(f"{url}/healthz", timeout=10).status_code == 200


def test_a_client_that_says_nothing_keeps_nobody_waiting(scraped: Scraped) -> None:
    """A thread a request; the end does not wait for it either."""
    port = int(scraped.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        assert scraped.health()[0] == 200
