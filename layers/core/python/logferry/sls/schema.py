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

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["Schema", "schema"]

_PACKAGE = "logferry.sls"
_FIELD = descriptor_pb2.FieldDescriptorProto
_TEXT, _BYTES, _UINT, _FIXED, _MESSAGE = (
    _FIELD.TYPE_STRING, _FIELD.TYPE_BYTES, _FIELD.TYPE_UINT32, _FIELD.TYPE_FIXED32, _FIELD.TYPE_MESSAGE,
)  # fmt: skip
_ONE, _MANY, _MUST = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED, _FIELD.LABEL_REQUIRED
_Field = tuple[
    str,
    int,
    "descriptor_pb2.FieldDescriptorProto.Type.ValueType",
    "descriptor_pb2.FieldDescriptorProto.Label.ValueType",
    str,
]


class Schema(NamedTuple):
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
    file = descriptor_pb2.FileDescriptorProto(name="logferry/sls.proto", package=_PACKAGE, syntax="proto3")
    for suffix, kind in (("", _TEXT), ("Raw", _BYTES)):
        _message(file, f"Pair{suffix}", [("Key", 1, kind, _ONE, ""), ("Value", 2, kind, _ONE, "")])
        group: list[_Field] = [("Logs", 1, _BYTES, _MANY, ""), ("Topic", 3, kind, _ONE, "")]
        group += [("Source", 4, kind, _ONE, ""), ("LogTags", 6, _MESSAGE, _MANY, f"Pair{suffix}")]
        _message(file, f"Group{suffix}", group)
        _message(file, f"Log{suffix}", _log(f"Pair{suffix}", _MANY))
    mapped = _message(file, "LogMap", _log("LogMap.ContentsEntry", _MANY))
    entry = mapped.nested_type.add(name="ContentsEntry")
    entry.options.map_entry = True
    _add(entry, [("key", 1, _TEXT, _ONE, ""), ("value", 2, _BYTES, _ONE, "")])
    _message(file, "Keys", [("Key", 1, _TEXT, _MANY, "")])
    _message(file, "Values", [("Value", 2, _TEXT, _MANY, "")])
    _message(file, "LogMerged", _log("Values", _ONE))
    _message(file, "GroupMerged", [("Logs", 1, _MESSAGE, _MANY, "LogMerged")])
    strict = descriptor_pb2.FileDescriptorProto(name="logferry/strict.proto", package=_PACKAGE, syntax="proto2")
    _message(strict, "PairStrict", [("Key", 1, _BYTES, _MUST, ""), ("Value", 2, _BYTES, _MUST, "")])
    _message(strict, "LogStrict", _log("PairStrict", _MANY))
    _message(strict, "GroupStrict", [("Logs", 1, _MESSAGE, _MANY, "LogStrict")])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    pool.Add(strict)
    names = ("Group", "GroupRaw", "Log", "LogRaw", "GroupStrict", "GroupMerged", "Keys", "LogMap")
    return Schema(*(message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{n}")) for n in names))


def _log(contents: str, label: "descriptor_pb2.FieldDescriptorProto.Label.ValueType") -> list[_Field]:
    return [
        ("Time", 1, _UINT, _ONE, ""),
        ("Contents", 2, _MESSAGE, label, contents),
        ("Time_ns", 4, _FIXED, _ONE, ""),
    ]


def _message(
    file: descriptor_pb2.FileDescriptorProto, name: str, fields: Iterable[_Field]
) -> descriptor_pb2.DescriptorProto:
    made = file.message_type.add(name=name)
    _add(made, fields)
    return made


def _add(message: descriptor_pb2.DescriptorProto, fields: Iterable[_Field]) -> None:
    for name, number, kind, label, of in fields:
        field = message.field.add(name=name, number=number, type=kind, label=label)
        if of:
            field.type_name = f".{_PACKAGE}.{of}"
