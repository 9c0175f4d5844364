"""RFC 5424 messages: time, frames, sizes. Exact bytes are in tests/golden/syslog."""

import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.encoders import Body, rfc5424
from logferry.encoders.framed import Framed, Framing, Oversize, Sizes, messages
from logferry.encoders.json_lines import JsonLines
from logferry.encoders.key_value import KeyValue
from logferry.errors import Permanent
from logferry.model import Record, Value
from logferry.syslog_header import Sender
from logferry_local.sinks._rfc5424 import parse

HEADER = Sender(hostname="web-1", app_name="logferry")


def syslog(
    sender: Sender, body: Body, *, framing: Framing, max_bytes: int = 8192, oversize: Oversize = "split"
) -> Framed:
    """An encoder of RFC 5424 messages."""
    header = rfc5424.build(rfc5424.Config(), sender)
    return Framed(header, body, framing=framing, sizes=Sizes(max_bytes, oversize))


def one(encoder: Framed, record: Record) -> dict[str, object]:
    """The record's only message, parsed."""
    (message,) = messages(encoder.encode(record))
    return parse(message)


def record(fields: dict[str, Value], time: int = 1774426530, nanos: int = 0) -> Record:
    """A record."""
    return Record(0, time, nanos, fields)


@given(st.integers(-62135596800, 253402300799), st.integers(0, 999_999_999))
def test_time_is_the_records_in_utc_cut_to_the_microsecond(time: int, nanos: int) -> None:
    """Every second of the years 1 to 9999 is told right, whatever the zone of this machine."""
    encoder = syslog(HEADER, KeyValue(), framing="octet_counting")
    told = one(encoder, record({"a": "1"}, time, nanos))["time"]
    assert isinstance(told, str)
    assert told.endswith("Z")
    expected = datetime.fromtimestamp(0, UTC).timestamp() + time
    found = datetime.fromisoformat(told)
    assert found.microsecond == nanos // 1000
    assert (found.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == expected


@pytest.mark.parametrize("time", [253402300800, -62135596801, 10**30])
def test_time_that_cannot_be_written_is_nil(time: int) -> None:
    """A time outside the years 1 to 9999 does not stop the record."""
    encoder = syslog(HEADER, KeyValue(), framing="octet_counting")
    assert one(encoder, record({"a": "1"}, time, 5000))["time"] is None


def test_records_of_one_second_keep_their_own_fractions() -> None:
    """The header kept for a second holds nothing of a record but that second."""
    encoder = syslog(HEADER, KeyValue(), framing="octet_counting")
    told = [one(encoder, record({"a": "1"}, 1774426530, nanos))["time"] for nanos in (0, 1_000, 999_999_999, 0)]
    stem = "2026-03-25T08:15:30"
    assert told == [f"{stem}Z", f"{stem}.000001Z", f"{stem}.999999Z", f"{stem}Z"]


@given(
    st.dictionaries(st.text(max_size=5), st.text(alphabet="a\n\r\\\0é\u2028\x85", max_size=30), max_size=4),
    st.sampled_from([KeyValue(), KeyValue(escape=True), JsonLines()]),
)
def test_a_record_is_one_line_under_lf_framing(fields: dict[str, Value], body: KeyValue | JsonLines) -> None:
    """No value can end its line early and begin a message of its own."""
    frame = syslog(HEADER, body, framing="lf").encode(record(fields))
    assert frame.count(b"\n") == 1
    assert frame.endswith(b"\n")
    assert b"\r" not in frame


@given(st.text(alphabet="a\n\r\\nr", max_size=30))
def test_escaped_line_breaks_can_be_restored(value: str) -> None:
    """Undoing the escape under LF framing gives the text back, backslashes that were there included."""
    frame = syslog(HEADER, KeyValue(), framing="lf").encode(record({"k": value}))
    told = str(parse(frame[:-1])["msg"])
    undone = told.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
    assert undone == f"k={value}"


def test_json_keeps_its_backslashes_under_lf_framing() -> None:
    """JSON is one line by construction, so nothing is escaped a second time."""
    frame = syslog(HEADER, JsonLines(), framing="lf").encode(record({"p": "C:\\x\n"}))
    assert frame.endswith(b'- {"p":"C:\\\\x\\n"}\n')


@given(
    fields=st.dictionaries(st.text(max_size=5), st.text(alphabet='aé世\\"\n|', max_size=900), min_size=1, max_size=4),
    limit=st.integers(480, 600),
    kind=st.sampled_from(["pairs", "json"]),
)
def test_split_parts_fit_and_join_to_the_text(fields: dict[str, Value], limit: int, kind: str) -> None:
    """Each part is a whole message within the limit, and the parts in order hold every byte of the text."""
    body = KeyValue() if kind == "pairs" else JsonLines()
    encoder = syslog(HEADER, body, framing="octet_counting", max_bytes=limit, oversize="split")
    found = list(messages(encoder.encode(record(fields))))
    assert all(len(message) <= limit for message in found)
    texts = [message.split(b" - - - ", 1)[1].decode() for message in found]
    if len(texts) > 1 and kind == "json":
        parts = [json.loads(text) for text in texts]
        assert [part["part"] for part in parts] == list(range(1, len(texts) + 1))
        texts = [str(part["text"]) for part in parts]
    elif len(texts) > 1:
        assert [text.split("||")[1] for text in texts] == [f"of={len(texts)}"] * len(texts)
        texts = [text.split("||", 3)[3] for text in texts]
    assert "".join(texts) == body.text(record(fields))


def test_a_split_record_has_the_same_name_from_any_host() -> None:
    """A repeat from elsewhere can be told: the name comes from time and text."""
    names = set()
    for host in ("a", "another-host"):
        encoder = syslog(Sender(hostname=host), KeyValue(), framing="lf", max_bytes=480)
        names.add(encoder.encode(record({"k": "v" * 2000})).split(b"record=")[1][:16])
    assert len(names) == 1


@pytest.mark.parametrize("limit", [480, 481, 482, 483])
def test_truncated_text_fits_and_says_so(limit: int) -> None:
    """A cut message is within the limit, valid UTF-8, and tells how long the text was."""
    encoder = syslog(HEADER, KeyValue(), framing="octet_counting", max_bytes=limit, oversize="truncate")
    (message,) = messages(encoder.encode(record({"k": "世" * 1000})))
    assert limit - 3 < len(message) <= limit
    assert str(parse(message)["msg"]).startswith("truncated=3002||k=世世")


def test_park_raises_with_both_sizes() -> None:
    """The reason that is kept with the parked record says what was too long, and which option decides."""
    encoder = syslog(HEADER, KeyValue(), framing="lf", max_bytes=480, oversize="park")
    with pytest.raises(Permanent, match=r"2050 bytes, at most 480 are allowed \(max_message_bytes\)"):
        encoder.encode(record({"k": "v" * 2000}))


@pytest.mark.parametrize("oversize", ["split", "park", "truncate"])
def test_a_message_of_just_the_limit_passes(oversize: Literal["split", "park", "truncate"]) -> None:
    """The limit itself is allowed, without a mark."""
    encoder = syslog(HEADER, KeyValue(), framing="lf", max_bytes=480, oversize=oversize)
    frame = encoder.encode(record({"k": "v" * 430}))
    assert len(frame) == 481
    assert frame.endswith(b" - - - k=" + b"v" * 430 + b"\n")


def test_no_room_beside_the_header_is_permanent() -> None:
    """A header that leaves nothing for the text is a stated fate, not a loop."""
    encoder = syslog(Sender(hostname="h" * 255, app_name="a" * 48), KeyValue("|" * 40), framing="lf", max_bytes=480)
    with pytest.raises(Permanent, match="beside the header"):
        encoder.encode(record({"k": "v" * 2000}))


def test_half_a_surrogate_is_mended() -> None:
    """Text that UTF-8 cannot hold is sent with U+FFFD in its place."""
    encoder = syslog(HEADER, KeyValue(), framing="octet_counting")
    assert one(encoder, record({"k": "a\ud800b"}))["msg"] == "k=a\ufffdb"
