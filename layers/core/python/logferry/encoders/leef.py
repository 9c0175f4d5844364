"""QRadar's Log Event Extended Format: `LEEF:2.0|vendor|product|version|event id|delimiter|key=value…`, or 1.0.

LEEF has no escapes. In a value the delimiter, and a run of line breaks, becomes a blank; so does `|`, a tab or a run of
line breaks in the header. Keys are letters, digits and `_`, others become `_`. So an event is one line whose pairs are
parted rightly, and what was replaced cannot be told. `devTime` is the record's time in milliseconds. LEEF 1.0 parts
pairs with tabs.
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

__all__ = ["MAP", "ROLE", "Config", "Leef", "build"]

ROLE = "body"
MAP: Mapping[str, str] = {
    "__topic__": "cat", "real_client_ip": "src", "src_port": "srcPort", "dst_port": "dstPort", "final_action": "action",
    "request_uri": "url", "request_path": "url", "request_length": "srcBytes", "body_bytes_sent": "dstBytes",
    "server_protocol": "proto", "final_rule_type": "policy",
    "ClientIP": "src", "ClientSrcPort": "srcPort", "OriginIP": "dst", "ClientRequestURI": "url",
    "ClientRequestBytes": "srcBytes", "EdgeResponseBytes": "dstBytes", "ClientRequestProtocol": "proto",
    "SecAction": "action", "Action": "action",
}  # fmt: skip
_PARTS = ("vendor", "product", "version", "event_id")
_LIMIT = 255  # characters of a header's part: LEEF names no limit
_BREAKS = re.compile(r"[\r\n]+")
_NO_PART = re.compile(r"[\r\n]+|[|\t]")
_NO_KEY = re.compile(r"[^A-Za-z0-9_]")
_HEADER = re.compile(rb"LEEF:(?:1\.0(?:\|[^|]*){4}\||2\.0(?:\|[^|]*){5}\|)")
_DELIMITER = re.compile(r"0?x([0-9A-Fa-f]{2})|([!-/:-@\[-`{-~\t])")

Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]+$(?!\n)", max_length=63, description="letters, digits and _")]


class Config(config.Config, frozen=True, kw_only=True):
    """The options of this body."""

    vendor: str | FromField = "Alibaba Cloud"
    product: str | FromField = "Log Service"
    version: str | FromField = "1.0"
    event_id: str | FromField = FromField(field=("final_rule_id", "SecRuleID", "RuleID"), default="log")
    severity: int | FromField | None = None
    map: dict[str, Key | None] = {}  # noqa: RUF012  # msgspec copies it
    additional: Literal["keep", "drop"] = "keep"
    time_key: Literal["devTime"] | None = "devTime"
    spec: Literal["1.0", "2.0"] = "2.0"
    delimiter: str | None = None

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A header part that is empty or too long, a severity or delimiter that is none."""
        if name == "severity" and value is not None:
            given = values(value) if isinstance(value, FromField) else {"": value}
            return [
                f"{name}{place and '.' + place}: {one!r} is not 1-10"
                for place, one in given.items()
                if _severity(one) is None
            ]
        if name == "delimiter" and value is not None and _delimiter(value) is None:
            return [f"delimiter: {value[:20]!r} is not a punctuation mark other than = | _, or hexadecimal such as x09"]
        if name in _PARTS and isinstance(value, str) and not 0 < len(value) <= _LIMIT:
            return [f"{name}: a text of {len(value)} characters is not one of 1 to {_LIMIT}"]
        return []

    def problems(self) -> list[str]:
        """A key that is written twice, a delimiter for 1.0."""
        own = {"sev": "severity"} if self.severity is not None else {}
        own |= {self.time_key: "time_key"} if self.time_key else {}
        found = [
            f"map.{field}: {key} is written by {own[key]}; choose another, or set {own[key]} to null"
            for field, key in self.map.items()
            if key in own
        ]
        if self.spec == "1.0" and self.delimiter is not None:
            found.append("delimiter: applies to spec 2.0 only; 1.0 parts pairs with tabs")
        return found


class Leef:
    """A body of one event a record."""

    one_line = True
    is_titled = True

    def __init__(self, options: Config) -> None:
        given = "x09" if options.delimiter in (None, "\t") else str(options.delimiter)
        self._between = "\t" if options.spec == "1.0" else _delimiter(given) or "\t"
        self._after = "" if options.spec == "1.0" else f"{given}|"
        self._stem = f"LEEF:{options.spec}"
        self._parts = [_reader(getattr(options, name)) for name in _PARTS]
        self._time = f"{options.time_key}=" if options.time_key else ""
        self._severity = _severity_reader(options.severity)
        reserved = [options.time_key, "sev" if options.severity is not None else None]
        naming = Naming(
            map={**MAP, **options.map}, keep=options.additional == "keep", key=lambda name: _NO_KEY.sub("_", name),
            reserved=frozenset(filter(None, reserved)),
        )  # fmt: skip
        self._pairs = Pairs(naming, self._value)

    def text(self, record: Record) -> str:
        """The event."""
        fields = record.fields
        own = [self._time + milliseconds(record)] if self._time else []
        if self._severity:
            own.append("sev=" + (self._severity if isinstance(self._severity, str) else self._severity(fields)))
        header = "|".join([part if isinstance(part, str) else part(fields) for part in self._parts])
        return f"{self._stem}|{header}|{self._after}{self._between.join(own + self._pairs.of(fields))}"

    def cuts(self, text: str, room: int) -> Iterator[bytes]:
        """Events with the same header, each with as many of the pairs as fit."""
        data, between = text.encode(), self._between.encode()
        found = _HEADER.match(data)
        stem = found[0] if found else b""
        for part in grouped(data[len(stem) :].split(between), between, room - len(stem)):
            yield stem + part

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """`part=1`, `of=3`, `record=…` as the first pairs of the event."""
        found = _HEADER.match(inside)
        end = found.end() if found else 0
        told = "".join(f"{key}={mark}{self._between}" for key, mark in marks.items())
        return inside[:end] + told.encode() + inside[end:]

    def _value(self, text: str) -> str:
        if "\n" in text or "\r" in text:
            text = _BREAKS.sub(" ", text)
        return text.replace(self._between, " ") if self._between in text else text


def build(options: Config) -> Body:
    """The body for these options."""
    return Leef(options)


def _reader(given: str | FromField) -> str | Read[str]:
    return reader(given, _part, "-") if isinstance(given, FromField) else _part(given)


def _severity_reader(given: int | FromField | None) -> str | Read[str]:
    if given is None:
        return ""
    return reader(given, _severity, "1") if isinstance(given, FromField) else str(given)


def _part(value: str | int) -> str:
    return _NO_PART.sub(" ", str(value)[:_LIMIT])


def _severity(value: str | int) -> str | None:
    text = str(value)
    return text if text.isdecimal() and text.isascii() and 1 <= int(text) <= 10 else None


def _delimiter(given: str) -> str | None:
    """The character; None if it may not part pairs."""
    found = _DELIMITER.fullmatch(given)
    mark = found and (found[2] or chr(int(found[1], 16)))
    return mark if mark and not mark.isalnum() and mark.isascii() and mark not in "=|_ \r\n\0" else None
