r"""ArcSight's Common Event Format: `CEF:0|vendor|product|version|event class id|name|severity|key=value key=value`.

In the header a backslash precedes `\` and `|`, line breaks become a blank, fields are cut to 63, 63, 31, 1023 and 512
characters. In the extension a backslash precedes `\` and `=`, LF and CR are `\n` and `\r`, blanks stay; keys are
letters and digits. So an event is one line, and every value can be read back. `rt` is the record's time in
milliseconds.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.encoders import Body
from logferry.from_field import FromField, Read, reader, values
from logferry.model import Record
from logferry.pairs import Naming, Pairs, grouped, milliseconds

__all__ = ["MAP", "ROLE", "Cef", "Config", "build"]

ROLE = "body"
MAP: Mapping[str, str] = {
    "__topic__": "cat", "real_client_ip": "src", "src_port": "spt", "host": "dhost", "dst_port": "dpt",
    "request_method": "requestMethod", "request_uri": "request", "request_path": "request",
    "http_user_agent": "requestClientApplication", "http_referer": "requestContext", "http_cookie": "requestCookies",
    "server_protocol": "app", "request_length": "in", "body_bytes_sent": "out", "status": "outcome",
    "final_action": "act", "request_traceid": "externalId",
    "ClientIP": "src", "ClientSrcPort": "spt", "ClientRequestHost": "dhost", "ClientRequestMethod": "requestMethod",
    "ClientRequestURI": "request", "ClientRequestUserAgent": "requestClientApplication",
    "ClientRequestReferer": "requestContext", "ClientRequestProtocol": "app", "ClientRequestBytes": "in",
    "EdgeResponseBytes": "out", "EdgeResponseStatusCode": "outcome", "SecAction": "act", "Action": "act",
    "ClientRequestID": "externalId",
}  # fmt: skip
_WORDS = ("Unknown", "Low", "Medium", "High", "Very-High")
_LIMITS = {"vendor": 63, "product": 63, "version": 31, "event_class_id": 1023, "name": 512}
_CUSTOM = re.compile(r"(cs|cn|cfp|c6a|flexString|flexNumber|flexDate|deviceCustomDate)[1-9]")
_BREAKS = re.compile(r"[\r\n]+")
_NO_KEY = re.compile(r"[^A-Za-z0-9]")
_HEADER = re.compile(rb"CEF:[01]\|(?:(?:[^\\|]|\\.)*\|){6}", re.DOTALL)
_NEXT = re.compile(rb" (?=[A-Za-z0-9]+=)")

Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+$(?!\n)", max_length=63, description="letters and digits")]


class Config(config.Config, frozen=True, kw_only=True):
    """The options of this body."""

    vendor: str | FromField = "Alibaba Cloud"
    product: str | FromField = "Log Service"
    version: str | FromField = "1.0"
    event_class_id: str | FromField = FromField(field=("final_rule_id", "SecRuleID", "RuleID"), default="log")
    name: str | FromField = FromField(field="__topic__", default="log")
    severity: int | str | FromField = 5
    map: dict[str, Key | None] = {}  # noqa: RUF012  # msgspec copies it
    additional: Literal["keep", "drop"] = "keep"
    time_key: Literal["rt", "start", "end"] | None = "rt"
    spec: Literal[0, 1] = 0

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A header field that is empty or too long, a severity that is none."""
        if name == "severity":
            given = values(value) if isinstance(value, FromField) else {"": value}
            return [
                f"{name}{place and '.' + place}: {one!r} is not 0-10 or one of {', '.join(_WORDS)}"
                for place, one in given.items()
                if _severity(one) is None
            ]
        limit = _LIMITS.get(name)
        if limit and isinstance(value, str) and not 0 < len(value) <= limit:
            return [f"{name}: a text of {len(value)} characters is not one of 1 to {limit}"]
        return []

    def problems(self) -> list[str]:
        """A key that is written twice."""
        return [
            f"map.{field}: {key} is written by time_key; choose another there, or null"
            for field, key in self.map.items()
            if key and key == self.time_key
        ]


class Cef:
    """A body of one event a record."""

    one_line = True
    is_titled = True

    def __init__(self, options: Config) -> None:
        self._stem, self._severity = f"CEF:{options.spec}", _reader("severity", options.severity)
        self._parts = [_reader(name, getattr(options, name)) for name in _LIMITS] + [self._severity]
        self._time = f"{options.time_key}=" if options.time_key else ""
        naming = Naming(
            map={**MAP, **options.map}, keep=options.additional == "keep", key=lambda name: _NO_KEY.sub("", name),
            reserved=frozenset(filter(None, [options.time_key])), label=_label,
        )  # fmt: skip
        self._pairs = Pairs(naming, _value)

    def text(self, record: Record) -> str:
        """The event."""
        fields = record.fields
        pairs = self._pairs.of(fields)
        if self._time:
            pairs.insert(0, self._time + milliseconds(record))
        header = "|".join([part if isinstance(part, str) else part(fields) for part in self._parts])
        return f"{self._stem}|{header}|{' '.join(pairs)}"

    def cuts(self, text: str, room: int) -> Iterator[bytes]:
        """Events with the same header, each with as many of the pairs as fit."""
        data = text.encode()
        found = _HEADER.match(data)
        stem = found[0] if found else b""
        for part in grouped(_NEXT.split(data[len(stem) :]), b" ", room - len(stem)):
            yield stem + part

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """`part=1 of=3 record=…` as the first pairs of the event."""
        found = _HEADER.match(inside)
        end = found.end() if found else 0
        return inside[:end] + "".join(f"{key}={mark} " for key, mark in marks.items()).encode() + inside[end:]


def build(options: Config) -> Body:
    """The body for these options."""
    return Cef(options)


def _reader(name: str, given: str | int | FromField) -> str | Read[str]:
    """The header's part, escaped; what reads it if it is another for each record."""
    convert = _severity if name == "severity" else lambda value: _part(str(value)[: _LIMITS[name]])
    if isinstance(given, FromField):
        return reader(given, convert, "Unknown" if name == "severity" else "-")
    return convert(given) or ""


def _severity(value: str | int) -> str | None:
    text = str(value)
    return text if text in _WORDS or (text.isdecimal() and text.isascii() and int(text) <= 10) else None


def _part(text: str) -> str:
    return _BREAKS.sub(" ", text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "=" in text:
        text = text.replace("=", "\\=")
    if "\n" in text or "\r" in text:
        text = text.replace("\n", "\\n").replace("\r", "\\r")
    return text


def _label(key: str) -> str:
    return f"{key}Label" if _CUSTOM.fullmatch(key) else ""
