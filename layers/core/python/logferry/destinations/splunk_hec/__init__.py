"""Splunk's HTTP Event Collector: batches of event envelopes or lines, gzip, answers judged by code.

Confirmed by the answer, or (`ack`) by the indexers' acknowledgement. `options` has the options, `collector` the
destination, `rota` the choice among endpoints, `endpoint` one request, `answers` what comes back, `acks` what is
indexed; `transport.turns` says how fast. Specification: Splunk, "HTTP Event Collector REST API endpoints" and its
error codes.
"""

import logging

from logferry.destinations import Destination, Surroundings
from logferry.destinations.splunk_hec.collector import Collector
from logferry.destinations.splunk_hec.endpoint import Clocks
from logferry.destinations.splunk_hec.options import Config
from logferry.encoders import Encoder
from logferry.encoders.hec import Hec

__all__ = ["Config", "build", "encoder"]

log = logging.getLogger(__name__)

PLACE = ("url", "index")


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Envelopes with the fixed metadata of the options, or lines."""
    if options.endpoint == "raw":
        from logferry.encoders.raw_lines import RawLines  # for those who want it

        return RawLines(options.raw_field)
    metadata = {name: getattr(options, name) for name in ("host", "source", "sourcetype", "index")}
    return Hec(metadata, host_field=options.host_field, event_format=options.event_format)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The collector; nothing is opened yet."""
    if not options.verify:
        log.warning("certificate not verified", extra={"task": surroundings.task, "url": options.url})
    return Collector(options, surroundings, Clocks(wall=surroundings.clock))
