"""A task of ESA, imported: the same records arrive that its filter means, and the ledger counts the others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.ferry import Ferry, ferry

from logferry import documents, filter_forms
from logferry.model import Counts
from logferry.sls.write import encode_log_group
from logferry_local.filter_view import dump
from logferry_local.sample_logs import access_origin

LOGS = list(access_origin.make(1_500, begin=1_767_225_600))
RULES = {"where": {"or": [
    {"and": [{"key": "EdgeResponseStatusCode", "operator": "geq", "value": "400"}]},
    {"and": [{"key": "ClientRequestMethod", "operator": "in", "value": ["POST", "PUT"]},
             {"key": "ClientRequestPath", "operator": "startsWith", "value": "/api/"}]},
]}}  # fmt: skip
TASK = {
    "TaskName": "errors", "BusinessType": "dcdn_log_access_l1", "FilterVer": "v2", "RawRule": json.dumps(RULES),
    "FilterRules": "[]", "FieldName": "ClientRequestID,EdgeResponseStatusCode,ClientIP", "DiscardRate": 0.0,
}  # fmt: skip


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Two shards with the sample logs."""
    with ferry(tmp_path, shards=2) as made:
        for start in range(0, len(LOGS), 100):
            part = [(log.time, log.nanos, log.fields) for log in LOGS[start : start + 100]]
            made.logstore.put_logs(encode_log_group(part))
        yield made


def test_records_that_the_rules_mean_arrive(boat: Ferry) -> None:
    """By their ids, with the fields of the task in their order; the ledger's recount agrees on the rest."""
    stages: Any = documents.read(dump(filter_forms.read(json.dumps(TASK))))
    boat.hec("errors", **stages)
    boat.until_done()
    expected = {
        log.fields["ClientRequestID"]
        for log in LOGS
        if int(log.fields["EdgeResponseStatusCode"]) >= 400
        or (
            log.fields["ClientRequestMethod"] in ("POST", "PUT") and log.fields["ClientRequestPath"].startswith("/api/")
        )
    }
    lines = boat.sinks["errors"].read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert sorted(event["ClientRequestID"] for event in events) == sorted(expected)
    assert {tuple(event) for event in events} == {("ClientRequestID", "EdgeResponseStatusCode", "ClientIP")}
    counts = boat.verified("errors")
    assert counts == Counts(read=len(LOGS), delivered=len(expected), filtered=len(LOGS) - len(expected))


def test_imported_again_with_a_rate_a_share_of_them_arrives(boat: Ferry) -> None:
    """DiscardRate 0.75 keeps about a quarter, and only of what the rules mean."""
    stages: Any = documents.read(dump(filter_forms.read(json.dumps(TASK), discard_rate="0.75")))
    assert stages["sampling"] == "25%"
    boat.hec("errors", **stages)
    boat.until_done()
    counts = boat.verified("errors")
    assert counts.balanced
    assert 0.7 * len(LOGS) < counts.sampled_out < 0.8 * len(LOGS)
    assert counts.delivered > 0
