"""Random log groups as protobuf bytes: everything that is allowed on the wire, however odd, and plans to read them."""

from hypothesis import strategies as st

from logferry.plan import Plan
from logferry.sls.write import list_entry, varint

__all__ = ["KEYS", "complete_lists", "delimited", "group_lists", "plans"]

Bytes = st.SearchStrategy[bytes]
KEYS = ["a", "b", "key", "é", "", "__topic__", "__tag__:a", "long" * 40]
_BROKEN = [b"\xff", b"x\xff", "x\ufffd".encode(), b"\xed\xa0\x80", b"\xc0\x80", b"7", b"-", b"__logferry__"]
_names = st.sampled_from([key.encode() for key in KEYS]) | st.text(max_size=8).map(str.encode)
_texts = st.one_of(_names, st.sampled_from(_BROKEN), st.binary(max_size=20))
_numbers = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))


def delimited(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def _join(parts: Bytes, most: int) -> Bytes:
    return st.lists(parts, max_size=most).map(b"".join)


def _field(number: int, data: Bytes) -> Bytes:
    return data.map(lambda payload: delimited(number, payload))


def _pair(keys: Bytes, values: Bytes) -> Bytes:
    return st.builds(lambda key, value: delimited(1, key) + delimited(2, value), keys, values)


_unknown = st.one_of(
    st.builds(delimited, st.integers(7, 300), _texts),
    _numbers.map(lambda number: varint(9 << 3) + varint(number)),
    st.binary(min_size=8, max_size=8).map(lambda data: varint(10 << 3 | 1) + data),
    st.just(b"\x5b\x08\x01\x5c"),  # a group, field 11
)
_time = _numbers.map(lambda number: b"\x08" + varint(number))
_valid_nanos = st.integers(0, 999_999_999).map(lambda number: b"\x25" + number.to_bytes(4, "little"))
_nanos = _valid_nanos | st.binary(min_size=4, max_size=4).map(lambda data: b"\x25" + data)
_wrong_type = _numbers.map(lambda number: b"\x20" + varint(number))  # Time_ns as a varint: not its type, so unknown

# What the service may send, and every oddity beside it: parts missing, repeated, reordered, of no known field.
_odd_pair = _pair(_texts, _texts) | _join(_field(1, _texts) | _field(2, _texts) | _unknown, 4)
_odd_content = _field(2, _odd_pair)
_stretched = _odd_content.map(lambda data: bytes([data[0] | 128, 0]) + data[1:])  # a tag longer than needed
_odd_log = _join(st.one_of(_odd_content, _odd_content, _stretched, _time, _nanos, _wrong_type, _unknown), 8)
_label = st.sampled_from([2, 3, 4, 5]).flatmap(lambda number: _field(number, _texts))
_odd_group = _join(st.one_of(_field(1, _odd_log), _field(1, _odd_log), _label, _field(6, _odd_pair), _unknown), 6)
group_lists = _join(_odd_group.map(lambda group: list_entry(len(group)) + group) | _unknown, 4)

# The vendor's decoder wants every required part, keys and tags in UTF-8, nanoseconds in range; values may be any bytes.
_complete_log = st.tuples(_time, _join(_field(2, _pair(_names, _texts)), 6), _join(_valid_nanos, 1)).map(b"".join)
_complete_group = _join(_field(1, _complete_log) | _field(6, _pair(_names, _names)) | _field(3, _names), 6)
complete_lists = _join(_complete_group.map(lambda group: list_entry(len(group)) + group), 4)

_keys = st.lists(st.sampled_from([*KEYS, "x\ufffd", "absent", "__source__", "\ud800"]), max_size=4).map(tuple)


_stamps = st.none() | st.tuples(st.sampled_from([*KEYS, "absent"]), st.just("stamped"))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan: sampling by length or by an id, a stamp, a filter over the needed keys, fields, one later stage."""
    needs, modulus, share = draw(_keys), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    filtering, sampling, staged = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    return Plan(
        keep=(lambda raw: len(raw) % share == 0) if sampling else None,
        id_field=draw(st.sampled_from([*KEYS, "absent", "\ud800"])),
        keep_id=(lambda value: None if value in ("", "-") else len(str(value)) % 2 == 0)
        if draw(st.booleans())
        else None,
        stamp=draw(_stamps),
        needs=needs if filtering else (),
        test=(lambda fields: sum(len(str(fields.get(key, "?"))) for key in needs) % modulus == 0)
        if filtering
        else None,
        fields=draw(st.none() | _keys),
        then=((lambda record: record),) if staged else (),
    )
