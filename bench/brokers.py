"""Case in MB of raw logs per CPU-second: to a Kafka topic, beside the same logs to Splunk and beside client libraries.

The broker is a light one in a process of its own. A library gets the very messages that `kafka` sends, each payload of
them flushed and every answer looked at, as delivery needs it.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fakes.kafka_light import light_broker, make_topic

from bench import corpora, ours, receivers
from bench.corpora import Corpus
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale
from logferry import config, packing
from logferry.destinations import Surroundings, kafka
from logferry.destinations.kafka.message import HEAD
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.vault import Vault

__all__ = ["kafka_topic"]

_TOPIC, _KEY = "bench", {"waf": "request_traceid", "small": "trace_id"}
_BIG = 1_000_000  # bytes of a batch: as large as ours
Flush = Callable[[list[tuple[bytes | None, bytes, int]]], None]  # (key, value, ms)


def kafka_topic(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to six partitions, keyed, in each compression that is cheap; libraries with lz4."""
    data = corpora.make(corpus, scale.raw)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(receivers.running("http"))
        address = stack.enter_context(light_broker())
        make_topic(address, _TOPIC, 6)

        def bay(name: str, destination: dict[str, object]) -> ours.Bay:
            made = ours.Bay(folder, name, destination)
            stack.callback(made.close)
            return made

        token = "secret://env/BENCH_TOKEN"
        hec = bay("hec", {"splunk_hec": {"url": f"http://127.0.0.1:{port}", "token": token, "sourcetype": "waf"}})
        to: dict[str, object] = {"brokers": [address], "topic": _TOPIC, "key": _KEY[corpus]}
        bays = {codec: bay(f"kafka-{codec}", {"kafka": {**to, "compress": codec}}) for codec in ("lz4", "zstd", "none")}
        ways = [Way("splunk_hec, gzip", lambda: hec.deliver(data))]
        ways += [Way(f"kafka, {codec}", lambda to=made: to.deliver(data)) for codec, made in bays.items()]  # type: ignore[misc]  # the default binds the loop's value
        wanted = [Wanted(way.name, ways[0].name, 0.5 if way.name == "kafka, lz4" else None) for way in ways[1:]]
        for name, flush in _libraries(address, stack):
            ways.append(Way(f"{name}, lz4", lambda flush=flush: _by_library(data, to, flush)))  # type: ignore[misc]  # as above
            wanted.append(Wanted(ways[-1].name, ways[0].name, None))
        return interleave("kafka", corpus, ways, wanted, scale.rounds)


def _by_library(data: Corpus, to: dict[str, object], flush: Flush) -> int:
    chosen = config.load(kafka.Config, to)
    around = Surroundings("bench", Vault({}))
    encoder = kafka.encoder(chosen, around)
    records = LogGroups(data.unpack(), "0", "1").select(Plan(), Tally())
    parts = ((record.ordinal, encoder.encode(record)) for record in records)
    for payload in packing.pack(parts, kafka.build(chosen, around).limits, encoder.frame):
        messages = []
        for part in payload.parts:
            time, length = HEAD.unpack_from(part)
            body = HEAD.size + max(length, 0)
            messages.append((part[HEAD.size : body] if length >= 0 else None, part[body:], time))
        flush(messages)
    return data.raw


def _libraries(address: str, stack: ExitStack) -> Iterator[tuple[str, Flush]]:
    """Those that are installed; confluent-kafka is no dependency, not even of the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield "kafka-python", _kafka_python(address, stack)
    if importlib.util.find_spec("confluent_kafka"):
        yield "confluent-kafka", _confluent_kafka(address)


def _kafka_python(address: str, stack: ExitStack) -> Flush:
    library = importlib.import_module("kafka")
    producer = library.KafkaProducer(
        bootstrap_servers=address, compression_type="lz4", batch_size=_BIG, linger_ms=5, metrics_enabled=False
    )
    stack.callback(producer.close)

    def flush(messages: list[tuple[bytes | None, bytes, int]]) -> None:
        sent = [producer.send(_TOPIC, value, key=key, timestamp_ms=time) for key, value, time in messages]
        producer.flush(30)
        for one in sent:
            one.get(0)

    return flush


def _confluent_kafka(address: str) -> Flush:
    library: Any = importlib.import_module("confluent_kafka")
    settings = {"bootstrap.servers": address, "compression.type": "lz4", "linger.ms": 5, "acks": "all",
                "enable.idempotence": True, "partitioner": "murmur2_random"}  # fmt: skip
    producer = library.Producer(settings)

    def flush(messages: list[tuple[bytes | None, bytes, int]]) -> None:
        failed: list[object] = []

        def note(error: object, _message: object) -> None:
            if error is not None:
                failed.append(error)

        for key, value, time in messages:
            producer.produce(_TOPIC, value, key, timestamp=time, on_delivery=note)
        if producer.flush(30) or failed:
            raise RuntimeError(f"confluent-kafka: {failed[:1] or 'time is up'}")

    return flush
