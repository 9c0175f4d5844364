"""Message classes for the log service's wire format, made from our own descriptors at first use.

    LogGroupList  LogGroups = 1
    LogGroup      Logs = 1, Reserved = 2, Topic = 3, Source = 4, MachineUUID = 5, LogTags = 6 {Key = 1, Value = 2}
    Log           Time = 1 (uint32), Contents = 2 {Key = 1, Value = 2}, Time_ns = 4 (fixed32)

One wire format, several readings of it. All that read text are proto3, so text that is not UTF-8 is an error when
parsing (proto2, as the service defines it, would hand it over as `bytes` in the midst of `str`), and an absent number
reads as 0.
What a reading leaves out (Reserved, MachineUUID, anything newer) is skipped as unknown.

Specification: Simple Log Service "Data encoding" and the generated classes of aliyun-log-python-sdk.
"""

from functools import cache
from typing import Any

from msgspec import Struct

from logferry.sls import _descriptors as d
from logferry.sls._descriptors import BYTES, MANY, MESSAGE, MUST, ONE, TEXT, Field

__all__ = ["Schema", "schema"]

_PACKAGE = "logferry.sls"


class Schema(Struct, frozen=True):
    """Message classes; each has `FromString`, which raises DecodeError."""

    group: Any  # Logs as bytes: a group is framed at copying speed, each log is parsed alone
    group_raw: Any  # the same with all text as bytes
    log: Any  # contents in their order, text checked
    log_raw: Any  # contents in their order, as bytes
    group_strict: Any  # proto2: writing it again is an error unless each pair of each log has key and value
    group_merged: Any  # each log's contents as one list of values; the keys stay unknown fields
    keys: Any  # those unknown fields: one list of keys
    log_map: Any  # contents as a map, values as bytes: looks a few keys up; the last of duplicates wins, as in a dict


@cache
def schema() -> Schema:
    """The classes, made once (some 5 ms with the import of protobuf behind it, so never at import)."""
    plain: list[bytes] = []
    for suffix, kind in (("", TEXT), ("Raw", BYTES)):
        pair = f".{_PACKAGE}.Pair{suffix}"
        plain.append(d.message(f"Pair{suffix}", [Field("Key", 1, kind), Field("Value", 2, kind)]))
        group = [Field("Logs", 1, BYTES, MANY), Field("Topic", 3, kind), Field("Source", 4, kind)]
        plain.append(d.message(f"Group{suffix}", [*group, Field("LogTags", 6, MESSAGE, MANY, pair)]))
        plain.append(_log(f"Log{suffix}", MANY, f"Pair{suffix}"))
    entry = d.message("ContentsEntry", [Field("key", 1, TEXT), Field("value", 2, BYTES)], is_map_entry=True)
    plain.append(_log("LogMap", MANY, "LogMap.ContentsEntry", entry))
    plain.append(d.message("Keys", [Field("Key", 1, TEXT, MANY)]))
    plain.append(d.message("Values", [Field("Value", 2, TEXT, MANY)]))
    plain.append(_log("LogMerged", ONE, "Values"))
    plain.append(d.message("GroupMerged", [Field("Logs", 1, MESSAGE, MANY, f".{_PACKAGE}.LogMerged")]))
    strict = [
        d.message("PairStrict", [Field("Key", 1, BYTES, MUST), Field("Value", 2, BYTES, MUST)]),
        _log("LogStrict", MANY, "PairStrict"),
        d.message("GroupStrict", [Field("Logs", 1, MESSAGE, MANY, f".{_PACKAGE}.LogStrict")]),
    ]
    files = [
        d.file("logferry/sls.proto", _PACKAGE, "proto3", plain),
        d.file("logferry/strict.proto", _PACKAGE, "proto2", strict),
    ]
    names = ("Group", "GroupRaw", "Log", "LogRaw", "GroupStrict", "GroupMerged", "Keys", "LogMap")
    return Schema(*d.classes(files, [f"{_PACKAGE}.{name}" for name in names]))


def _log(name: str, label: int, contents: str, *nested: bytes) -> bytes:
    fields = [Field("Time", 1, d.UINT), Field("Contents", 2, MESSAGE, label, f".{_PACKAGE}.{contents}")]
    return d.message(name, [*fields, Field("Time_ns", 4, d.FIXED)], *nested)
