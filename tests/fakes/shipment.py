"""The same 50,000 logs through a task to any destination: the ledger must balance, and no id may be missing.

    with ferry(tmp_path, shards=2) as boat:
        sent = shipment.ship(boat, {"s3": {…}})
        assert arrived == sent      # ids that the far side has, however it keeps them

The logs are `access_origin` samples narrowed to a few fields, so that a test takes seconds.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.fakes.ferry import Ferry

from logferry import wiring
from logferry.model import Counts
from logferry.sls.write import encode_log_group
from logferry_local.sample_logs import access_origin

__all__ = ["COUNT", "ID_FIELD", "ship"]

COUNT = 50_000
ID_FIELD = access_origin.ID_FIELD
BEGIN = 1_767_225_600  # 2026-01-01T00:00:00Z: 250 seconds of logs, all of one day
_KEPT = (
    ID_FIELD, "ClientIP", "ClientRequestHost", "ClientRequestMethod", "ClientRequestURI", "EdgeStartTimestamp",
    "EdgeResponseStatusCode", "EdgeResponseBytes", "OriginResponseStatusCode", "SiteName", "CustomFields",
)  # fmt: skip
_GROUP = 500


def ship(boat: Ferry, destination: Mapping[str, Any], *, task: str = "shipment", **options: Any) -> set[str]:  # noqa: ANN401  # parts of a task
    """Put the logs, apply the task, deliver until all streams are at their end; the ids that were sent.

    Raises AssertionError unless every log was delivered and `ledger --verify`'s recount agrees.
    """
    for group in _groups():
        boat.logstore.put_logs(group)
    boat.apply(task, destination, **options)
    wiring.workshop(boat.environ).tasks.set_state(task, "online")  # as if the ownership was proved
    boat.until_done(120)
    counts = boat.verified(task)
    assert counts == Counts(read=COUNT, delivered=COUNT), counts
    return _ids()


@cache
def _groups() -> tuple[bytes, ...]:
    logs = [
        (log.time, log.nanos, {name: log.fields[name] for name in _KEPT})
        for log in access_origin.make(COUNT, begin=BEGIN)
    ]
    return tuple(
        encode_log_group(logs[start : start + _GROUP], topic="access_origin") for start in range(0, COUNT, _GROUP)
    )


@cache
def _ids() -> set[str]:
    return {log.fields[ID_FIELD] for log in access_origin.make(COUNT, begin=BEGIN)}
