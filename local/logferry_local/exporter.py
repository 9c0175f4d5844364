"""What a worker delivers, for Prometheus: `/metrics` in its text format, and `/healthz`.

Counters grow as long as the process lives. Gauges say how a stream stands, as long as this worker holds it: one not
visited for two minutes is left out (another worker has its shard by then, and tells of it).
`/healthz` answers 200 while the worker's loop lives, 503 once it has ended. A task that is held is no reason for 503:
nobody heals it by starting the worker again, and the other tasks work; `logferry_held` tells of it.
Source: Prometheus documentation, "Exposition formats" and "Metric and label naming".
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logferry import meter
from logferry.errors import ConfigError
from logferry.meter import Reading, Seen
from logferry.model import Counts, Effort

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["COUNTERS", "GAUGES", "Exporter"]

_STALE = 120.0  # seconds; a visit takes 30 at most
_PATIENCE = 10.0  # seconds that a client may take for its request

COUNTERS = {
    "records": "Records by their fate; read counts them all",
    "bytes": "Raw bytes read; what is read again counts again",
    "batches": "Reads that returned a batch",
    "retries": "Payloads sent again after a pause",
    "errors": "Runs that an error ended",
    "gaps": "Ranges that were gone at the source before they were read: records are lost",
}
GAUGES = {
    "held": "1 while the system holds the task: it reads nothing until a person mends it",
    "lag_seconds": "Age of the oldest undelivered record",
    "lag_over_max": "1 while that is more than the task's max_lag",
    "retention_left_seconds": "Time until the source forgets the oldest undelivered record",
    "last_visit_timestamp_seconds": "When the worker last looked at the stream",
}


@dataclass(frozen=True, slots=True)
class _Standing:
    reading: Reading
    at: float  # when it was told


class Exporter(Collector):
    """A meter that can be scraped. `alive` says whether the worker's loop lives."""

    def __init__(self, alive: Callable[[], bool], clock: Callable[[], float] = time.time) -> None:
        self._alive, self._clock = alive, clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str], tuple[Counts, Effort]] = {}  # by task and stream
        self._standing: dict[tuple[str, str], _Standing] = {}
        self._held: dict[str, tuple[bool, float]] = {}  # task -> whether, and when that was told last

    def observe(self, seen: Seen) -> None:
        """Add what a visit came to."""
        readings, now = list(meter.readings(seen)), self._clock()
        with self._lock:
            self._held.update({reading.task: (reading.held, now) for reading in readings})
            for reading in readings:
                key = (reading.task, reading.stream)
                counts, effort = self._counted.get(key, (Counts(), Effort()))
                self._counted[key] = (counts + reading.counts, effort + reading.effort)
                self._standing[key] = _Standing(reading, now)

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now."""
        with self._lock:
            counted, now = dict(self._counted), self._clock()
            fresh = [one for one in self._standing.values() if now - one.at <= _STALE]
            held = {task: is_held for task, (is_held, at) in self._held.items() if now - at <= _STALE}
        yield from _counters(counted)
        yield from _gauges(fresh, held)

    @contextmanager
    def serving(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Answer on this address (port 0: any that is free) in a thread; its URL. ConfigError if it is taken."""
        registry = CollectorRegistry()
        registry.register(self)
        kind = _Server6 if ":" in host else _Server
        try:
            server = kind((host, port), _Quiet)
        except OSError as error:
            raise ConfigError([f"{host}:{port} cannot be listened on: {error.strerror}"], subject="metrics") from None
        server.set_app(self._app(make_wsgi_app(registry)))
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _app(self, metrics: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/metrics":
                return metrics(environ, start)
            if environ["PATH_INFO"] != "/healthz":
                return _json(start, "404 Not Found", {"paths": ["/metrics", "/healthz"]})
            alive = self._alive()
            with self._lock:
                held = sorted(task for task, (is_held, _) in self._held.items() if is_held)
            return _json(start, "200 OK" if alive else "503 Service Unavailable", {"alive": alive, "held": held})

        return answer


def _counters(counted: Mapping[tuple[str, str], tuple[Counts, Effort]]) -> Iterator[Metric]:
    for name, meaning in COUNTERS.items():
        fates = name == "records"
        labels = ("task", "stream", "fate") if fates else ("task", "stream")
        family = CounterMetricFamily(f"logferry_{name}", meaning, labels=labels)
        for key, (counts, effort) in counted.items():
            if fates:
                for fate in Counts.__struct_fields__:
                    family.add_metric((*key, fate), getattr(counts, fate))
            else:
                family.add_metric(key, getattr(effort, name))
        yield family


def _gauges(fresh: Iterable[_Standing], held: Mapping[str, bool]) -> Iterator[Metric]:
    families = {}
    for name, meaning in GAUGES.items():
        labels = ("task",) if name == "held" else ("task", "stream")
        families[name] = GaugeMetricFamily(f"logferry_{name}", meaning, labels=labels)
    for one in fresh:
        reading, key = one.reading, (one.reading.task, one.reading.stream)
        families["last_visit_timestamp_seconds"].add_metric(key, one.at)
        if reading.lag is not None:
            families["lag_seconds"].add_metric(key, reading.lag.seconds)
            families["lag_over_max"].add_metric(key, reading.lag.over)
            if reading.lag.left is not None:
                families["retention_left_seconds"].add_metric(key, reading.lag.left)
    for task, is_held in held.items():
        families["held"].add_metric((task,), is_held)
    yield from families.values()


def _json(start: "StartResponse", status: str, body: Mapping[str, Any]) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]


class _Quiet(WSGIRequestHandler):
    """Writes no access log; a client that says nothing is let go of."""

    timeout = _PATIENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401  # the base class's signature
        """Nothing: scrapes are no news."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request; the end waits for none of them."""

    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Without the base class's question to the name service, which may be down."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6
