"""All stages at once, end to end: live, replayed and backfilled records leave alike, the ledger agrees."""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry import replay_calls, wiring
from logferry.dead_letters import Edit
from logferry.letters import edit
from logferry.sls.write import encode_log_group
from logferry_local.backfill.window import shown
from logferry_local.sample_logs import access_origin
from logferry_local.sinks import hec

KEY = "a key of thirty-two characters.."
COUNT = 2_000
STAGES: dict[str, Any] = {
    "category": "access_origin", "site": "task.example", "sampling": "40%",
    "filter": {"all": [{"field": "EdgeResponseStatusCode", "op": "lt", "value": 500},
                       {"field": "SiteName", "op": "eq", "value": "task.example"}]},
    "fields": ["ClientRequestID", "EdgeStartTimestamp", "ClientIP", "ClientRequestUserAgent", "CustomFields"],
    "custom_fields": {"request_headers": ["X-Tenant"], "cookies": ["AB_Group"], "shape": "flat"},
    "redact": [{"fields": ["ClientIP"], "action": "hash", "key": "secret://env/REDACTION_KEY"},
               {"fields": ["Cookies.AB_Group"], "action": "mask"}, {"pattern": "email", "action": "mask"}],
    "timestamps": "unix_s", "rename": {"ClientRequestID": "id", "EdgeStartTimestamp": "time", "ClientIP": "client"},
}  # fmt: skip


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """One shard with logs that name no site; twenty are too large for the sink."""
    with ferry(tmp_path, settings=[("REDACTION_KEY", KEY)]) as made:
        logs = [(log.time, log.nanos, dict(log.fields)) for log in access_origin.make(COUNT, begin=1_767_225_600)]
        for number, (_, _, fields) in enumerate(logs):
            fields["SiteName"] = "-"
            fields["EdgeResponseStatusCode"] = str(200 + number % 4 * 100)
            if number % 4 == 0:
                fields["ClientRequestUserAgent"] = "mail joe@mail.example " + "x" * 3_000 * (number % 100 == 0)
        for start in range(0, COUNT, 500):
            made.logstore.put_logs(encode_log_group(logs[start : start + 500]))
        yield made


def events(boat: Ferry, task: str) -> dict[str, dict[str, Any]]:
    """What arrived, by id."""
    lines = [json.loads(line)["event"] for line in boat.sinks[task].read_text(encoding="utf-8").splitlines()]
    return {event["id"]: event for event in lines}


def as_it_should_be(event: dict[str, Any], log: dict[str, str]) -> None:
    """Fields, order and values of one event, by rules of this test's own."""
    custom = json.loads(log["CustomFields"])
    assert list(event) == [
        "id", "time", "client", "ClientRequestUserAgent", "RequestHeaders.x-tenant", "Cookies.AB_Group", "SiteName",
    ]  # fmt: skip
    assert event["client"] == hmac.new(KEY.encode(), log["ClientIP"].encode(), hashlib.sha256).hexdigest()[:32]
    assert (event["SiteName"], event["Cookies.AB_Group"]) == ("task.example", "***")
    assert event["RequestHeaders.x-tenant"] == custom["RequestHeaders"]["x-tenant"]
    assert 1_767_225_600 <= event["time"] < 1_767_225_600 + COUNT / 200
    assert "joe" not in event["ClientRequestUserAgent"]


def test_live_replayed_and_backfilled_records_leave_alike(boat: Ferry) -> None:
    """The same plan on each way; another task keeps the same requests, by their ids."""
    since = int(time.time()) - 5
    boat.hec(sink=hec.Options(token="hec-token", max_event_bytes=2_000), **STAGES)
    boat.hec("again", start="end", **STAGES)
    boat.until_done()
    counts = boat.verified("to-hec")
    assert counts.balanced
    assert (counts.read, 0 < counts.parked < 20) == (COUNT, True)
    assert 0.35 < 1 - counts.sampled_out / COUNT < 0.45
    logs = {log.fields["ClientRequestID"]: dict(log.fields) for log in access_origin.make(COUNT, begin=1_767_225_600)}
    live = events(boat, "to-hec")
    assert len(live) == counts.delivered
    for name, event in live.items():
        as_it_should_be(event, logs[name])

    dead = wiring.workshop(boat.environ).dead
    for key in list(dead.keys("to-hec", "open")):
        edit(dead, key, Edit(by="me", at=1, set={"ClientRequestUserAgent": "by joe@mail.example"}))
    replay_calls.replay(boat.call({"task": "to-hec"}))
    replayed = {name: event for name, event in events(boat, "to-hec").items() if name not in live}
    assert len(replayed) == counts.parked
    for name, event in replayed.items():
        as_it_should_be(event, logs[name])
        assert event["ClientRequestUserAgent"] == "by ***"

    assert events(boat, "again") == {}
    until = int(time.time()) + 1
    time.sleep(until - time.time() + 0.02)  # until all of it lies in the past
    words = ["backfill", "again", "--from", shown(since), "--to", shown(until), "--json"]
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()", *words]
    subprocess.run(command, env=boat.environ, check=True, timeout=60, capture_output=True)
    backfilled = events(boat, "again")
    assert backfilled.keys() == live.keys() | replayed.keys()
    assert {name: backfilled[name] for name in live} == live
