"""The short header of the LEEF guide: `<PRI>1 TIME HOSTNAME TEXT`, milliseconds always; not a complete RFC 5424 one.

QRadar takes it. rsyslog would read the text's beginning as APP-NAME, syslog-ng refuses it: never through a relay.
"""

from collections.abc import Callable
from functools import lru_cache

from logferry import config
from logferry.errors import ConfigError
from logferry.syslog_header import Header, Sender, Stamp, date_and_time, printable

__all__ = ["MAX_BYTES", "ROLE", "Config", "build"]

ROLE = "format"
MAX_BYTES = 4096  # QRadar's own limit over TCP, as far as it is told


class Config(config.Config, frozen=True, kw_only=True):
    """This format has no options."""


def build(_options: Config, sender: Sender) -> Header:
    """The header for this sender; ConfigError for texts that nobody could tell from the rest of a header."""
    if not sender.is_titled:
        raise ConfigError(["format: rfc5424_short stands before events only, body cef or leef"])
    host = printable(sender.hostname, 255)

    def at(priority: int) -> Callable[[int], Stamp]:
        @lru_cache(maxsize=1024)
        def stamp(second: int) -> Stamp:
            told = date_and_time(second)
            if not told:
                return f"<{priority}>1 - {host} ", "", ""
            return f"<{priority}>1 {told}.000Z {host} ", f"<{priority}>1 {told}.", f"Z {host} "

        return stamp

    return Header(at, digits=3)
