"""kafka-python, the independent client that reads back what was delivered; it warns of itself when it is loaded."""

import importlib
import warnings
from types import ModuleType
from typing import Any

__all__ = ["load", "read"]


def load(name: str) -> ModuleType:
    """One of its modules; call it from the main thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(name)


def read(address: str, topic: str, count: int, seconds: float = 20) -> list[Any]:
    """At least `count` messages of the topic, fewer when no more come within `seconds`; all that are there after them.

    Each has `partition`, `offset`, `key`, `value`, `timestamp`; checksums are verified.
    """
    kafka = load("kafka")
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False, group_id=None,
        check_crcs=True, consumer_timeout_ms=int(seconds * 1000),
    )  # fmt: skip
    try:
        places = [kafka.TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        wanted = max(count, sum(ends.values()))
        found: list[Any] = []
        for message in consumer:
            found.append(message)
            if len(found) >= wanted:
                break
        return found
    finally:
        consumer.close()
