"""50,000 logs from one logferry to another: SLS, http_server, signed posts, receive, a HEC receiver."""

import json
from pathlib import Path

from tests.fakes import shipment
from tests.fakes.ferry import ferry
from tests.fakes.receiving import KEY, PATH
from tests.fakes.serving import serve

from logferry import proof, wiring
from logferry import task as tasks
from logferry.model import Counts
from logferry.plan import Plan
from logferry_local.sinks import Place, hec


def test_every_log_arrives_and_both_ledgers_are_clean(tmp_path: Path) -> None:
    """What the sender's ledger says was delivered is what the receiver's ledger says was read, and each id is there."""
    out = tmp_path / "hec.ndjson"
    sink = hec.open_sink(Place(out), hec.Options(token="t"))
    far = {
        "LOGFERRY_STATE": f"sqlite:{tmp_path}/far.db", "LOGFERRY_OBJECTS": f"folder:{tmp_path}/far", "TOKEN": "t",
        "KEY": KEY.reveal(),
    }  # fmt: skip
    try:
        source = {"received": {"path": PATH, "keys": ["secret://env/KEY"], "longest": "5m", "envelope": "records"}}
        to = {"splunk_hec": {"url": sink.address, "token": "secret://env/TOKEN", "ack": False}}
        wiring.workshop(far).tasks.apply(tasks.load({"task": "received", "source": source, "destination": to}))
        with serve(tmp_path, far, "receive") as served, ferry(tmp_path, settings=[("KEY", KEY.reveal())]) as boat:
            sent = shipment.ship(boat, {"http_server": {
                "url": served.address + PATH, "compress": "gzip", "auth": {"private_key": "secret://env/KEY"},
                "output": {"prefix": '{"records":[', "separator": ",", "suffix": "]}"},
            }})  # fmt: skip
        shop = wiring.workshop(far)
        rows = shop.ledger.rows("received")
        assert sum((row.counts for row in rows), Counts()) == Counts(read=shipment.COUNT, delivered=shipment.COUNT)
        whole = shop.source(shop.tasks.get("received").task())
        for row in rows:
            assert proof.problems(row) == []
            assert proof.recount("received", row, Plan(), whole, shop.dead).differences == []
    finally:
        wiring.dismiss()
        sink.close()
    arrived = [json.loads(line)["event"][shipment.ID_FIELD] for line in out.read_text().splitlines()]
    assert len(arrived) == shipment.COUNT
    assert set(arrived) == sent
