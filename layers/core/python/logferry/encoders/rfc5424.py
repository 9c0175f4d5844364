"""The header that RFC 5424 has: `<PRI>1 TIME HOSTNAME APP-NAME PROCID MSGID - TEXT`.

The time is the record's, in UTC: whole seconds, or with six digits; a time outside the years 1 to 9999 is nil. Fields
are cut to their limits (255, 48, 128, 32), and what they cannot hold becomes `_`.
"""

from collections.abc import Callable
from functools import lru_cache

from logferry import config
from logferry.syslog_header import Header, Sender, Stamp, date_and_time, printable

__all__ = ["MAX_BYTES", "ROLE", "Config", "build"]

ROLE = "format"
MAX_BYTES = 8192  # what a receiver over TLS should take (RFC 5425 4.3.1)


class Config(config.Config, frozen=True, kw_only=True):
    """The options of this format."""

    bom: bool = False  # mark the text as UTF-8


def build(options: Config, sender: Sender) -> Header:
    """The header for this sender."""
    fields = (
        printable(sender.hostname, 255), printable(sender.app_name, 48),
        printable(sender.procid, 128), printable(sender.msgid, 32),
    )  # fmt: skip
    rest = f" {' '.join(fields)} - " + ("\ufeff" if options.bom else "")

    def at(priority: int) -> Callable[[int], Stamp]:
        @lru_cache(maxsize=1024)  # keyed by all that varies
        def stamp(second: int) -> Stamp:
            told = date_and_time(second)
            if not told:
                return f"<{priority}>1 -{rest}", "", ""
            return f"<{priority}>1 {told}Z{rest}", f"<{priority}>1 {told}.", f"Z{rest}"

        return stamp

    return Header(at)
