"""Any HTTP service that takes posts: batches of records in a chosen form, compressed, signed as ESA signs.

Confirmed by the answer: any 2xx, its body is not read. `options` has the options, `names` the rules for headers and
parameters, `request` makes one, `receiver` is the destination. Facts: Alibaba Cloud, "ESA real-time log delivery:
deliver logs to an HTTP server"; docs/destinations/http_server.md says what is chosen where that says nothing.
"""

import logging
from urllib.parse import urlsplit

from logferry.destinations import Destination, Surroundings
from logferry.destinations.http_server.options import Config
from logferry.destinations.http_server.receiver import Clocks, Receiver
from logferry.encoders import Encoder
from logferry.encoders import output as written

__all__ = ["Config", "build", "encoder"]

PLACE = ("url", "params")

log = logging.getLogger(__name__)


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Lines, an array, rows or a template."""
    return written.build(options.output)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The receiver; nothing is opened yet."""
    if not options.verify:
        log.warning("certificate not verified", extra={"task": surroundings.task, "url": urlsplit(options.url).netloc})
    return Receiver(options, surroundings, Clocks())
