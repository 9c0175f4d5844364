"""Pulls with a query: what is answered, byte for byte where nothing was changed, and what the headers say."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.clock import Clock
from tests.fakes.sls import Caller, Reply, furnished

from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.sls.write import Fields, encode_log_group, list_entry
from logferry_local.sls_server.scanning import scan
from logferry_local.sls_server.shards import Pull, Shard
from logferry_local.spl import compile_query

TIME = 1_700_000_000
REWRITES = ["*", "* | where true", '* | project "*"', "* | project-away nothing", "* | extend other = null"]
COUNTS = ("count", "resultlines", "rawdatacount", "rawdatalines", "rawdatasize", "failedlines")


def group(*logs: Fields, topic: str = "waf", **tags: str) -> bytes:
    """One group; its logs are a second apart."""
    return encode_log_group(
        [(TIME + at, 7, fields) for at, fields in enumerate(logs)], topic=topic, source="192.0.2.1", tags=tags
    )


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A caller to a furnished store."""
    with furnished(tmp_path) as address:
        made = Caller(address)
        yield made
        made.close()


def pull(caller: Caller, query: str, cursor: str = "", **params: str) -> Reply:
    """PullLogs as the vendor's clients ask with a query."""
    begin = cursor or caller.cursor("waf", 0, "begin")
    reply = caller.pull("waf", 0, begin, query=query, pullMode="scan_on_stream", **params)
    assert reply.status == 200, reply.body
    return reply


def records(reply: Reply) -> list[dict[str, object]]:
    """All records of an answer."""
    found = LogGroups(reply.body, "MQ==", "Mg==").select(Plan(), Tally())
    return [{"time": one.time, "nanos": one.nanos, **one.fields} for one in found]


def counts(reply: Reply) -> list[int]:
    """What the headers say, in the order of COUNTS."""
    return [int(reply.headers[f"x-log-{name}"]) for name in COUNTS]


def test_filtered_logs_stay_byte_for_byte(caller: Caller) -> None:
    """Broken text, duplicate keys and fields of other numbers stay; only whole logs go."""
    odd: list[tuple[bytes | str, bytes | str]] = [("a", b"\xff\xfe"), ("a", "2"), ("status", "403")]
    first = group({"status": "200"}, odd, host="h") + b"\x2a\x04uuid" + b"\x3a\x02zz"
    expected = group(odd, host="h").replace(b"\x08\x80", b"\x08\x81") + b"\x2a\x04uuid" + b"\x3a\x02zz"
    caller.put("waf", first)
    reply = pull(caller, "* | where status = '403' and a = '2'")
    assert reply.body == list_entry(len(expected)) + expected
    assert counts(reply) == [1, 1, 1, 2, len(list_entry(len(first)) + first), 0]


def test_pull_that_matches_nothing_moves_on(caller: Caller) -> None:
    """Nothing is answered, the cursor is behind what was judged."""
    caller.put("waf", group({"n": "1"}, {"n": "2"}))
    reply = pull(caller, "* | where n = '3'")
    assert (reply.body, reply.headers["x-log-bodyrawsize"]) == (b"", "0")
    assert reply.headers["x-log-cursor"] == caller.cursor("waf", 0, "end")
    assert (counts(reply)[:4], reply.headers["x-log-end-of-cursor"]) == ([0, 0, 1, 2], "1")


def test_groups_with_nothing_left_are_not_answered(caller: Caller) -> None:
    """Count is of the groups that come, the raw count of those that were judged."""
    for number in "123":
        caller.put("waf", group({"n": number}))
    assert counts(pull(caller, "* | where n <> '2'"))[:4] == [2, 2, 3, 3]
    assert counts(pull(caller, "* | where n <> '2'", count="2"))[:4] == [1, 1, 2, 2]


def test_changed_logs_keep_time_and_place(caller: Caller) -> None:
    """Fields are cut and made; topic, source and tags are fields too; times stay."""
    caller.put("waf", group({"a": "X", "b": "2"}, {"a": "Y"}, host="h"))
    reply = pull(caller, '* | extend a = lower(a), c = cast(b as bigint) * 2 | project a, c, "__tag__:*", __topic__')
    shared = {"nanos": 7, "__topic__": "waf", "__source__": "", "__tag__:host": "h"}
    assert records(reply) == [{"time": TIME, "a": "x", "c": "4", **shared}, {"time": TIME + 1, "a": "y", **shared}]


def test_group_is_parted_where_its_topic_changes(caller: Caller) -> None:
    """Logs that differ in topic, source or tags after the query come in groups of their own, in order."""
    caller.put("waf", group({"n": "1"}, {"n": "2"}, {"n": "2"}, {"n": "1"}))
    reply = pull(caller, "* | extend __topic__ = n, \"__tag__:x\" = 'y', __time__ = 5, flag = n = '1'")
    found = records(reply)
    assert [one["__topic__"] for one in found] == ["1", "2", "2", "1"]
    assert {(one["__tag__:x"], one["time"]) for one in found} == {("y", 5)}
    assert [one["flag"] for one in found] == ["true", "false", "false", "true"]
    assert counts(reply)[:4] == [3, 4, 1, 4]


def test_logs_that_fail_are_counted(caller: Caller) -> None:
    """A cast of a word fails: `where` leaves the log out, and the answer says how many."""
    caller.put("waf", group({"n": "1"}, {"n": "one"}, {"n": "2"}))
    assert counts(pull(caller, "* | where cast(n as bigint) > 1"))[1:] == [1, 1, 3, counts(pull(caller, "*"))[4], 1]


def test_query_without_instructions_answers_all(caller: Caller) -> None:
    """`*` alone is the pull without a query, with the counts."""
    caller.put("waf", group({"n": "1"}))
    plain = caller.pull("waf", 0, caller.cursor("waf", 0, "begin"))
    assert pull(caller, "*").body == plain.body
    assert "x-log-rawdatacount" not in plain.headers


def test_longest_query_passes_through_a_request(caller: Caller) -> None:
    """10 KB that grow to three times as much in the address arrive and run, nested as deep as may be."""
    caller.put("waf", group({"n": "1"}))
    deep = "(" * 40 + "lower(" * 4 + "n" + ")" * 4 + ")" * 40 + "+1" * 90 + " > 0"
    query = f"* | where {deep} and n in ('1'" + ", '\u00e9'" * 1_500 + ")"
    assert 9_000 < len(query.encode()) <= 10_240
    assert counts(pull(caller, query))[:2] == [1, 1]


def test_mistake_is_refused_with_its_place(caller: Caller) -> None:
    """400 ParameterInvalid, and where the query is wrong."""
    reply = caller.pull("waf", 0, caller.cursor("waf", 0, "begin"), query="* | fields a")
    assert (reply.status, reply.code) == (400, "ParameterInvalid")
    assert reply.document["errorMessage"].startswith("invalid query: line 1:5 mismatched input 'fields' expecting ")


NAMES = st.text(max_size=4).map(lambda name: f"f{name}".encode()) | st.binary(max_size=4).map(lambda name: b"b" + name)
LOGS = st.lists(
    st.tuples(
        st.integers(0, (1 << 32) - 1), st.integers(0, 999_999_999), st.lists(st.tuples(NAMES, st.binary(max_size=6)))
    ),
    max_size=6,
)
TAGS = st.lists(st.tuples(NAMES, st.binary(max_size=4)), max_size=2)


@settings(max_examples=50)
@given(st.lists(st.tuples(LOGS, st.binary(max_size=4), TAGS), min_size=1, max_size=3), st.sampled_from(REWRITES))
def test_logs_that_are_written_anew_are_the_same_records(
    groups: list[tuple[list[tuple[int, int, list[tuple[bytes, bytes]]]], bytes, list[tuple[bytes, bytes]]]], query: str
) -> None:
    """A query that keeps all fields changes no record: duplicate keys, broken text, empty groups and tags."""
    bodies = [encode_log_group(logs, topic=topic, source=topic, tags=tags) for logs, topic, tags in groups]
    data = b"".join(list_entry(len(body)) + body for body in bodies)
    with TemporaryDirectory() as folder:
        shard = Shard(Path(folder) / "0", 1000, segment_bytes=1 << 20)
        shard.append([list_entry(len(body)) + body for body in bodies], Clock.now)
        found = scan(shard.reading(Pull(1000, None, 1000, 1 << 20)), compile_query(query))
        shard.close()
    before, after = (
        [(one.time, one.nanos, one.fields) for one in LogGroups(raw, "MQ==", "Mg==").records()]
        for raw in (data, found.body)
    )
    assert after == before
    assert (found.lines, found.raw_lines, found.raw_size) == (len(before), len(before), len(data))


def test_long_scan_ends_early_and_goes_on(tmp_path: Path) -> None:
    """When the time is over after a group, the cursor leads to the next one, which is judged by the next pull."""
    shard = Shard(tmp_path, 1000, segment_bytes=1 << 20)
    bodies = [group({"n": str(number)}) for number in range(3)]
    shard.append([list_entry(len(body)) + body for body in bodies], Clock.now)
    ticks = iter(range(0, 100, 10))
    found = scan(shard.reading(Pull(1000, None, 1000, 1 << 20)), compile_query("*"), lambda: next(ticks))
    assert (found.raw_groups, found.next) == (1, 1001)
    shard.close()
