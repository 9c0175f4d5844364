"""The same 50,000 logs to Splunk and to syslog: every id arrives, and the ledger's recount agrees."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import shipment
from tests.fakes.ferry import Ferry, ferry

from logferry_local.sinks import Place, hec, syslog


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Two shards, nothing in them."""
    with ferry(tmp_path, shards=2) as made:
        yield made


def test_fifty_thousand_records_reach_splunk_once(boat: Ferry) -> None:
    """Each event has the id of one log, and none stands twice."""
    arrived = boat.folder / "hec.ndjson"
    sink = hec.open_sink(Place(arrived), hec.Options(token="hec-token"))
    boat.stack.callback(sink.close)
    sent = shipment.ship(boat, {"splunk_hec": {"url": sink.address, "token": "secret://env/HEC_TOKEN"}})
    found = [json.loads(line)["event"][shipment.ID_FIELD] for line in arrived.read_text("utf-8").splitlines()]
    assert len(found) == shipment.COUNT
    assert set(found) == sent


def test_fifty_thousand_records_reach_syslog_once(boat: Ferry) -> None:
    """Each message has the id of one log, and none stands twice."""
    arrived = boat.folder / "syslog.ndjson"
    sink = syslog.open_sink(Place(arrived), syslog.Options())
    boat.stack.callback(sink.close)
    port = int(sink.address.rpartition(":")[2])
    sent = shipment.ship(boat, {"syslog_server": {"host": "127.0.0.1", "port": port, "body": "json_lines"}})
    lines = (json.loads(line)["msg"] for line in arrived.read_text("utf-8").splitlines())
    found = [json.loads(text)[shipment.ID_FIELD] for text in lines]
    assert len(found) == shipment.COUNT
    assert set(found) == sent
