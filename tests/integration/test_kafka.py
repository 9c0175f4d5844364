"""kafka against the light broker: the shipment of every destination, and the page's task file."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import kafka_python, shipment
from tests.fakes.ferry import ferry
from tests.fakes.kafka_light import light_broker, make_topic

from logferry import wiring
from logferry.config import load
from logferry.control import Control
from logferry.destinations import Surroundings, kafka
from logferry.errors import Misconfigured
from logferry.vault import Vault


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """One broker for all of these; tests keep apart by their topic."""
    with light_broker() as found:
        yield found


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(address: str, tmp_path: Path) -> None:
    """Read back by another client: all ids, each keyed by it, at the record's time; the ledger's recount agrees."""
    make_topic(address, "shipment", 6)
    to = {"brokers": [address], "topic": "shipment", "key": shipment.ID_FIELD, "compress": "zstd"}
    with ferry(tmp_path, shards=2) as boat:
        sent = shipment.ship(boat, {"kafka": to})
    found = kafka_python.read(address, "shipment", shipment.COUNT)
    ids = Counter(json.loads(message.value)[shipment.ID_FIELD] for message in found)
    assert len(found) == shipment.COUNT
    assert ids.keys() == sent
    assert all(message.key.decode() == json.loads(message.value)[shipment.ID_FIELD] for message in found[:1000])
    spread = Counter(message.partition for message in found)
    assert min(spread.values()) > shipment.COUNT / 6 * 0.9
    assert {message.timestamp // 86_400_000 for message in found} == {shipment.BEGIN // 86_400}


def test_a_topic_is_not_made_by_looking_for_it(address: str) -> None:
    """The light broker makes topics for whoever asks; `check` says that it is not to."""
    chosen = load(kafka.Config, {"brokers": [address], "topic": "never-made"})
    found = kafka.build(chosen, Surroundings("t", Vault({})))
    with pytest.raises(Misconfigured, match="topic never-made: is not there"):
        found.check(10)
    found.close()


def test_a_live_check_sends_one_test_record_that_says_what_it_is(address: str, tmp_path: Path) -> None:
    """All steps are well, and the topic has the record."""
    make_topic(address, "live", 1)
    with ferry(tmp_path, shards=1) as boat:
        boat.put(1)
        boat.apply("live", {"kafka": {"brokers": [address], "topic": "live"}})
        stored = wiring.workshop(boat.environ).tasks.get("live").task()
        wiring.dismiss()
        with Control(boat.environ) as control:
            found = control.check_live(stored)
    assert [finding.ok for finding in found] == [True] * len(found)
    (message,) = kafka_python.read(address, "live", 1)
    assert json.loads(message.value)["task"] == "live"
