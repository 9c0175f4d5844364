"""The header that RFC 3164 describes: `<PRI>Mmm dd hh:mm:ss HOSTNAME TAG: TEXT`.

The time is the record's in the zone of `timezone`, whole seconds, the day padded with a space; it says neither year nor
zone, and a time outside the years 1 to 9999 is written `Jan  1 00:00:00`. HOSTNAME is without its domain. TAG is at
most 32 letters and digits, others are left out, `logferry` if none are left; a text with a title of its own (CEF, LEEF)
needs no TAG and gets one only if it is asked for. A whole packet has 1,024 bytes.
"""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from logferry import config
from logferry.syslog_header import Header, Sender, Stamp, printable
from logferry.times import zone

__all__ = ["MAX_BYTES", "ROLE", "Config", "build"]

ROLE = "format"
MAX_BYTES = 1024
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_TAG = re.compile(r"[^A-Za-z0-9]")


class Config(config.Config, frozen=True, kw_only=True):
    """The options of this format."""

    timezone: str = "UTC"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A zone that nobody knows."""
        if name == "timezone" and zone(value) is None:
            return [f"timezone: {value[:60]!r} is not UTC, an offset such as +08:00 or a zone such as Asia/Shanghai"]
        return []


def build(options: Config, sender: Sender) -> Header:
    """The header for this sender."""
    here, who = zone(options.timezone), f" {_host(sender.hostname)} {_tag(sender)}"

    def at(priority: int) -> Callable[[int], Stamp]:
        @lru_cache(maxsize=1024)
        def stamp(second: int) -> Stamp:
            return f"<{priority}>{_time(second, here)}{who}", "", ""

        return stamp

    return Header(at)


def _time(second: int, here: tzinfo | None) -> str:
    try:
        when = datetime.fromtimestamp(second, here)
    except (OverflowError, OSError, ValueError):
        return "Jan  1 00:00:00"
    return f"{_MONTHS[when.month - 1]} {when.day:2d} {when.hour:02d}:{when.minute:02d}:{when.second:02d}"


def _host(name: str | None) -> str:
    try:
        return str(ip_address(name or ""))
    except ValueError:
        return printable((name or "").partition(".")[0], 255)


def _tag(sender: Sender) -> str:
    tag = _NO_TAG.sub("", sender.app_name or "")[:32]
    if not tag and sender.is_titled:
        return ""
    pid = f"[{printable(sender.procid, 128)}]" if sender.procid else ""
    return f"{tag or 'logferry'}{pid}: "
