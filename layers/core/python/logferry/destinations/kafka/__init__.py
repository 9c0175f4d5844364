"""A topic of Apache Kafka: one message a record, idempotent, confirmed by all replicas in sync.

`options` has the options, `message` what a record becomes, `balancers` the choice of a partition, `batches` the bytes
of a batch, `producer` the destination, `cluster` who leads which partition, `calls` and `link` the protocol, `sasl` who
we are, `answers` what comes back. Specification: the Apache Kafka protocol guide and its record batch format 2.

The protocol is spoken here, not by a client library: docs/destinations/kafka.md has the measurements behind that.
"""

import logging

from logferry.destinations import Destination, Surroundings
from logferry.destinations.kafka.message import Keyed, key_of
from logferry.destinations.kafka.options import Config
from logferry.destinations.kafka.producer import Producer
from logferry.encoders import Encoder
from logferry.encoders.output import part_of

__all__ = ["Config", "build", "encoder"]

log = logging.getLogger(__name__)

PLACE = ("brokers", "topic")


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Key, event time and the record's text in the chosen form."""
    return Keyed(key_of(options.key), part_of(options), options.max_message_bytes)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The topic; nothing is opened yet."""
    facts = {"task": surroundings.task, "topic": options.topic}
    if options.trust is not None and not options.trust.verify:
        log.warning("certificate not verified", extra=facts)
    if options.auth is not None and options.auth.kind == "PLAIN" and options.trust is None:
        log.warning("password sent in the clear: PLAIN without tls", extra=facts)
    return Producer(options, surroundings)
