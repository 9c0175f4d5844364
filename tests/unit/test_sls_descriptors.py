"""Message classes made from our own descriptions, in both ways."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from logferry.sls import _descriptors as d
from logferry.sls.schema import schema

Way = Callable[[Sequence[bytes], Sequence[str]], list[Any]]

INNER = d.message("Inner", [d.Field("Text", 1, d.TEXT, d.MANY)])
ENTRY = d.message("PairsEntry", [d.Field("key", 1, d.TEXT), d.Field("value", 2, d.BYTES)], is_map_entry=True)
OUTER = d.message(
    "Outer",
    [
        d.Field("Number", 1, d.UINT),
        d.Field("Parts", 2, d.MESSAGE, d.MANY, ".t.Inner"),
        d.Field("Pairs", 3, d.MESSAGE, d.MANY, ".t.Outer.PairsEntry"),
        d.Field("Fixed", 300, d.FIXED),
    ],
    ENTRY,
)
FILE = d.file("t.proto", "t", "proto3", [INNER, OUTER])


@pytest.mark.parametrize("way", [d.by_upb, d.by_message_factory])
def test_both_ways_make_the_same_classes(way: Way) -> None:
    """What one writes the other reads: nested messages, maps, lists and high numbers."""
    (made,) = way([FILE], ["t.Outer"])
    one = made(Number=7, Fixed=9, Pairs={"a": b"1"})
    one.Parts.add(Text=["x", "y"])
    for other in (d.by_upb, d.by_message_factory):
        (again,) = other([FILE], ["t.Outer"])
        read = again.FromString(one.SerializeToString())
        assert (read.Number, read.Fixed, dict(read.Pairs), list(read.Parts[0].Text)) == (7, 9, {"a": b"1"}, ["x", "y"])


def test_a_description_is_one_of_protobuf() -> None:
    """Nothing in it is unknown to descriptor.proto."""
    found = descriptor_pb2.FileDescriptorProto.FromString(FILE)
    assert [message.name for message in found.message_type] == ["Inner", "Outer"]
    assert found.SerializeToString() == FILE
    assert found.message_type[1].nested_type[0].options.map_entry


def test_upb_makes_the_log_services_classes() -> None:
    """The slower way is not taken where the fast one is there."""
    assert type(schema().log).__module__ == "google._upb._message"
