"""Function Compute's SLS trigger: `{"source": {"projectName": …, "logstoreName": …, "shardId": …, …}}`."""

from collections.abc import Mapping

from logferry.doorbells import Way
from logferry.sls import trigger

__all__ = ["FORM", "WAY", "parse"]

WAY: Way = "look"
FORM = "an SLS trigger's event has source.projectName, source.logstoreName and source.shardId"


def parse(event: object) -> trigger.Doorbell | None:
    """The doorbell, if there is a `source` that is an object; ConfigError with every mistake of it at once."""
    source = event.get("source") if isinstance(event, Mapping) else None
    return trigger.parse(event) if isinstance(source, Mapping) else None
