"""The source `received`: its options, times, what is parked, and what it says to those who would read it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import config
from logferry.errors import ConfigError, Expired, Misconfigured, SourceError
from logferry.plan import Plan, Tally
from logferry.sources import Judged, Surroundings, received
from logferry.sources._bodies import Form, pieces
from logferry.sources._moments import when
from logferry.sources._posts import Post, PostSource
from logferry.sources.received import Config, ready, revive
from logferry.vault import Vault

KEYS = {"keys": ["secret://env/KEY"]}


def load(**options: Any) -> Config:  # noqa: ANN401  # as in a document
    """The options, checked."""
    return config.load(Config, {"path": "/logs", **options}, subject="source")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "keys: neither is set"),
        ({**KEYS, "unsigned": True}, "keys: both are set"),
        ({"keys": ["aliyuncdn1234"]}, r"keys\[0\]: is not a reference to a secret \(not shown\)"),
        ({"keys": ["secret://env/A", "secret://env/B", "secret://env/C"]}, "keys: 3 are given, at most two"),
        ({**KEYS, "path": "logs"}, "path: 'logs' is not an absolute path"),
        ({**KEYS, "path": "/a/../b"}, "is not an absolute path without"),
        ({**KEYS, "path": "/a?b"}, "is not a path as it stands in a URL"),
        ({**KEYS, "path": "/a b"}, "is not a path as it stands in a URL"),
        ({**KEYS, "path": "/ä"}, "is not a path as it stands in a URL"),
        ({**KEYS, "path": "/a\n"}, "is not a path as it stands in a URL"),
        ({**KEYS, "path": "/" + "a" * 2000}, "is not a path as it stands in a URL"),
        ({**KEYS, "max_body": 10**9}, "max_body: 1000000000 is not between 1 and 67108864"),
        ({**KEYS, "max_inflated": 0}, "max_inflated: 0 is not"),
        ({**KEYS, "max_records": 0}, "max_records: 0 is not"),
        ({**KEYS, "answer_within": "100ms"}, "answer_within: 100ms is less than 1s"),
        ({**KEYS, "prefix": "x" * 5000}, "prefix: .* is not a text of at most 4096"),
        ({**KEYS, "seperator": ","}, "seperator: unknown key, did you mean separator"),
        ({"unsigned": True, "longest": "5m"}, "unsigned: goes with none of"),
    ],
)
def test_each_mistake_is_told_in_one_line(options: dict[str, Any], said: str) -> None:
    """And a key that stands where its reference should is not repeated."""
    with pytest.raises(ConfigError, match=said) as raised:
        load(**options)
    assert len(raised.value.problems) == 1
    assert "aliyuncdn1234" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-01-01T00:00:01Z", (1_767_225_601, 0)),
        ("2026-01-01T08:00:01.25+08:00", (1_767_225_601, 250_000_000)),
        (1_767_225_601, (1_767_225_601, 0)),
        ("1767225601", (1_767_225_601, 0)),
        ("1767225601.5", (1_767_225_601, 500_000_000)),
        (1_767_225_601_250, (1_767_225_601, 250_000_000)),
        (1_767_225_601_250_001, (1_767_225_601, 250_001_000)),
        (1_767_225_601_250_000_001, (1_767_225_601, 250_000_001)),
        (0, (0, 0)),
    ],
)
def test_times_in_every_form(value: Any, time: tuple[int, int]) -> None:  # noqa: ANN401  # a value of a record
    """RFC 3339, and Unix time by its size."""
    assert when(value, 7.5) == time


@given(
    st.none() | st.booleans() | st.text(max_size=24) | st.integers() | st.floats() | st.lists(st.integers(), max_size=2)
)
def test_no_value_trips_a_time_up(value: Any) -> None:  # noqa: ANN401  # a value of a record
    """What is none is the time of receipt; what is one fits into a log."""
    seconds, nanos = when(value, 7.5)
    assert 0 <= seconds < 1 << 32
    assert 0 <= nanos < 10**9


def post(body: bytes) -> Post:
    """A post of slot 0, received at 7.5."""
    return Post(pieces(body, Form()), "4", lambda fields, _at: when(fields.get("at"), 7.5))


def test_a_post_is_a_batch_that_says_what_cannot_be_read() -> None:
    """Ordinals count the broken too; what a plan leaves out is not among them."""
    batch = post(b'{"at":3}\nbroken\n{"id":2}')
    assert isinstance(batch, Judged)
    assert (batch.begin, batch.end, batch.count) == ("4", "5", 3)
    assert list(batch.unreadable) == [1]
    tally = Tally()
    found = list(batch.select(Plan(test=lambda fields: "id" in fields, needs=("id",)), tally))
    assert [(record.ordinal, record.time, record.raw) for record in found] == [(2, 7, b'{"id":2}')]
    assert tally.filtered == 1


def test_an_original_comes_back_with_its_time() -> None:
    """Byte for byte; what could not be read when it came is told, not invented."""
    batch = post(b'{"at":3,"b":[1]}\nbroken')
    record = revive(batch.original(0))
    assert (record.time, record.nanos, record.fields, record.raw) == (3, 0, {"at": 3, "b": [1]}, b'{"at":3,"b":[1]}')
    assert batch.original(1) == b"7.500000000\nbroken"
    for original in (batch.original(1), b"", b"\n", b'x\n{"a":1}', b"1.000000000\n[]"):
        with pytest.raises(SourceError, match="not a JSON object"):
            revive(original)


def test_nothing_can_be_read_but_the_post_that_is_held() -> None:
    """For its own range, as often as the engine asks; everything else is gone."""
    source = PostSource(None, lambda: 7.5)
    assert (source.replays, source.streams(), source.retention()) == ("never", [], None)
    with pytest.raises(Expired):
        next(source.read("0", "0", "1"))
    holding = source.holding(pieces(b'{"id":1}', Form()))
    assert [batch.count for batch in holding.read("0", "4", "5")] == [1]
    with pytest.raises(Expired):
        next(holding.read("0", "0", "5"))
    with pytest.raises(SourceError, match="not a number of posts"):
        source.order("abc")


def test_a_live_check_looks_at_the_keys() -> None:
    """Whether they can be read, and are what a sender could have."""

    def said(environ: dict[str, str], **options: Any) -> str:  # noqa: ANN401  # of the source
        return ready(load(**options), Surroundings(environ, Vault(environ)))

    assert said({"KEY": "abc123"}, **KEYS) == "takes posts signed with 1 key(s)"
    assert said({}, unsigned=True) == "takes posts from anybody"
    for environ in ({}, {"KEY": "short"}):
        with pytest.raises(Misconfigured):
            said(environ, **KEYS)


def test_the_source_reaches_nothing_when_it_is_built() -> None:
    """Not even for its keys: a task is applied from a machine that has none of them."""
    made = received.build(load(**KEYS), Surroundings({}, Vault({})))
    assert made.streams() == []


def test_a_slot_begins_where_no_earlier_slot_of_its_name_did() -> None:
    """At the time in ms: the dead letters of a task that was deleted keep their places."""
    made = received.build(load(**KEYS), Surroundings({}, Vault({}), lambda: 1_767_225_600.5))
    assert made.position("0", "begin") == "1767225600500"
    assert made.position("0", "end") == "0"
