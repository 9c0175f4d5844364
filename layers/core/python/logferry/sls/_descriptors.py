"""Describes protobuf messages as protobuf does (descriptor.proto), and makes their classes.

The description is written as bytes, and upb is asked directly for the classes: by `descriptor_pb2` and the public
modules the same costs three times the CPU and 25 modules more at a cold start (14 against 5 ms, with a bare
interpreter at 11), all of which are for the implementation in Python that is not used. Where upb is missing, or no
longer as it was, the public modules do it.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from logferry.sls.write import varint

__all__ = ["BYTES", "FIXED", "MANY", "MESSAGE", "MUST", "ONE", "TEXT", "UINT", "Field", "classes", "file", "message"]

TEXT, MESSAGE, BYTES, UINT, FIXED = 9, 11, 12, 13, 7  # FieldDescriptorProto.Type
ONE, MUST, MANY = 1, 2, 3  # FieldDescriptorProto.Label


class Field(Struct, frozen=True):
    """One field of a message."""

    name: str
    number: int
    kind: int
    label: int = ONE
    of: str = ""  # the full name of its message


def file(name: str, package: str, syntax: str, messages: Sequence[bytes]) -> bytes:
    """A FileDescriptorProto."""
    found = _text(1, name) + _text(2, package) + b"".join(_part(4, one) for one in messages)
    return found + _text(12, syntax)


def message(name: str, fields: Sequence[Field], *nested: bytes, is_map_entry: bool = False) -> bytes:
    """A DescriptorProto."""
    found = _text(1, name) + b"".join(_part(2, _field(field)) for field in fields)
    found += b"".join(_part(3, one) for one in nested)
    return found + (_part(7, _number(7, 1)) if is_map_entry else b"")


def classes(files: Sequence[bytes], names: Sequence[str]) -> list[Any]:
    """The classes of messages, by their full names."""
    try:
        return by_upb(files, names)
    except (ImportError, AttributeError, TypeError, SystemError):
        return by_message_factory(files, names)


def by_upb(files: Sequence[bytes], names: Sequence[str]) -> list[Any]:
    """By what the public modules stand upon."""
    from google._upb._message import DescriptorPool, MessageMeta
    from google.protobuf.message import Message

    pool, known = DescriptorPool(), dict[str, Any]()

    def make(described: Any) -> Any:  # noqa: ANN401  # upb has no types
        if described.full_name not in known:
            parts = {"DESCRIPTOR": described, "__module__": None}
            known[described.full_name] = MessageMeta(described.name, (Message,), parts)
            for inner in filter(None, (field.message_type for field in described.fields)):
                make(inner)
        return known[described.full_name]

    for one in files:
        pool.AddSerializedFile(one)
    return [make(pool.FindMessageTypeByName(name)) for name in names]


def by_message_factory(files: Sequence[bytes], names: Sequence[str]) -> list[Any]:
    """By the public modules alone."""
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    for one in files:
        pool.AddSerializedFile(one)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names]


def _field(field: Field) -> bytes:
    found = _text(1, field.name) + _number(3, field.number) + _number(4, field.label) + _number(5, field.kind)
    return found + (_text(6, field.of) if field.of else b"")


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode())


def _part(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)
