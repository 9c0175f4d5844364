"""A logstore of Simple Log Service: records as log groups, packed near what one PutLogs takes, confirmed by its answer.

`options` has the options, `rest` what a group says beside its logs (and how a loop is told), `writer` the destination,
`fates` what each refusal means. Specification: Simple Log Service API reference, "PutLogs" and its error codes.
"""

from logferry.destinations import Destination, Surroundings
from logferry.destinations.sls.options import Config
from logferry.destinations.sls.rest import Rest
from logferry.destinations.sls.writer import Writer
from logferry.encoders import Encoder
from logferry.encoders.log_groups import LogGroups
from logferry.sls.access import opened
from logferry.sls.client import web

__all__ = ["Config", "build", "encoder"]

PLACE = ("endpoint", "region", "project", "logstore")


def encoder(options: Config, surroundings: Surroundings) -> Encoder:
    """Log groups with the topic, source and tags of the options, or the records' own."""
    return LogGroups(Rest(options, surroundings.task), options.max_log_bytes)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The logstore; nothing is opened yet."""
    keys = options.keys(surroundings.vault, surroundings.vault.environ)
    reach = surroundings.reach.of_vendor() if options.address.region else surroundings.reach
    logstore = opened(options, options.address, keys, web(options.ca_file, reach), surroundings.clock)
    return Writer(surroundings.task, logstore, options)
