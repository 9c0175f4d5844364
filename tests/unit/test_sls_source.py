"""The sls source against scripted answers: options, shards, and pulls that go wrong."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import structs
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer

from logferry import config
from logferry.errors import ConfigError, SourceError
from logferry.sls.trigger import Doorbell
from logferry.sls.write import encode_log_group, list_entry
from logferry.sources import Source, Surroundings
from logferry.sources.sls import Config, SlsSource, build, rings
from logferry.vault import Vault

ENVIRON = {"SLS_AK_ID": "id-1", "SLS_AK_KEY": "invented-secret"}
OPTIONS = {"endpoint": "https://cn-x.log.aliyuncs.com", "project": "p-1", "logstore": "waf"}


def cursor(number: int) -> str:
    """A cursor as the service writes it."""
    return base64.b64encode(str(number).encode()).decode()


def pulled(following: int, logs: int = 0, **headers: str) -> Behaviour:
    """An answer to a pull: so many logs, and the next cursor."""
    group = encode_log_group([(1, 0, {"k": "v"})] * logs)
    body = list_entry(len(group)) + group if logs else b""
    said = {"x-log-cursor": cursor(following), "x-log-count": str(bool(logs) * 1), "x-log-bodyrawsize": str(len(body))}
    return answer(200, body, said | {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def source(*script: Behaviour, **options: object) -> Iterator[tuple[SlsSource, Misbehaving]]:
    """The source of a logstore that answers like this, and the server."""
    with Misbehaving(*script) as server:
        checked = config.load(Config, {**OPTIONS, "endpoint": server.url, **options})
        made = build(checked, Surroundings(ENVIRON, Vault(ENVIRON), lambda: 1_767_225_600.0))
        as_source: Source = made  # what the engine takes it for
        try:
            yield made, server
        finally:
            assert (as_source.replays, as_source.progress) == ("cursor", "ordered")
            made.logstore.client.close()


def problems(**options: object) -> list[str]:
    """What is wrong with these options."""
    with pytest.raises(ConfigError) as caught:
        config.load(Config, {**OPTIONS, **options})
    return caught.value.problems


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"endpoint": "ftp://h"}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"project": "Upper"}, "project"),
        ({"project": "a.b"}, "project"),
        ({"logstore": "a/b"}, "logstore"),
        ({"auth": "v4"}, "region"),
        ({"region": "cn-x"}, "region"),
        ({"access_key_id": "secret://env/ID"}, "access_key_id"),
        ({"security_token": "secret://env/TOKEN"}, "security_token"),
        ({"access_key_id": "id-1", "access_key_secret": "secret://env/X"}, "access_key_id"),
        ({"compression": "gzip"}, "compression"),
        ({"max_groups": 0}, "max_groups"),
        ({"max_groups": 1001}, "max_groups"),
        ({"time_out": "0s"}, "time_out"),
    ],
)
def test_wrong_option_is_named(options: dict[str, object], path: str) -> None:
    """Each option that cannot be is refused with its path."""
    assert [problem.partition(":")[0] for problem in problems(**options)] == [path]


def test_every_wrong_option_is_named_at_once() -> None:
    """Mistakes come all together."""
    assert len(problems(endpoint="h/x", auth="v4", security_token="secret://env/T", time_out="0s")) == 4


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ({}, True),
        ({"endpoint": "https://cn-x.log.aliyuncs.com"}, True),
        ({"endpoint": "http://cn-y-intranet.log.aliyuncs.com"}, False),
        ({"endpoint": "no endpoint"}, False),
        ({"project": "p-2"}, False),
        ({"logstore": "other"}, False),
    ],
)
def test_doorbell_rings_for_its_logstore_only(change: dict[str, Any], meant: bool) -> None:  # noqa: FBT001  # outcome
    """The event must name the task's own endpoint (by any network), project and logstore."""
    bell = Doorbell("http://cn-x-intranet.log.aliyuncs.com", "p-1", "waf", "0", "MQ==", "Mg==", {}, "", 0)
    assert rings(config.load(Config, OPTIONS), structs.replace(bell, **change)) is meant


def shard(name: int, status: str, low: int, high: int, created: int) -> dict[str, Any]:
    """A shard as it is listed; the bounds are the first hexadecimal digit of the keys."""
    end = f"{high:x}" + "0" * 31 if high < 16 else "f" * 32
    return {
        "shardID": name, "status": status, "inclusiveBeginKey": f"{low:x}" + "0" * 31, "exclusiveEndKey": end,
        "createTime": created,
    }  # fmt: skip


def test_parents_of_split_and_merged_shards_come_first() -> None:
    """A shard's parents are the older read-only shards that had a part of its key range, at any distance."""
    listed = [
        shard(5, "readwrite", 4, 12, 30),  # merged from 3 and 1
        shard(0, "readonly", 0, 8, 10),
        shard(1, "readonly", 8, 12, 10),
        shard(2, "readwrite", 0, 4, 20),  # 0 split into 2 and 3
        shard(3, "readonly", 4, 8, 20),
        shard(4, "readwrite", 12, 16, 10),
    ]
    with source(answer(200, str(listed).replace("'", '"').encode())) as (made, _):
        streams = {stream.name: stream for stream in made.streams()}
    assert {name: set(stream.parents) for name, stream in streams.items()} == {
        "0": set(), "1": set(), "4": set(), "2": {"0"}, "3": {"0"}, "5": {"0", "1", "3"},
    }  # fmt: skip
    order = list(streams)
    assert all(order.index(parent) < order.index(name) for name, one in streams.items() for parent in one.parents)
    assert [(one.open, one.born) for one in streams.values()][:2] == [(False, 10), (False, 10)]


def test_order_is_the_cursors_number() -> None:
    """Cursors compare by their number, not as text."""
    with source(answer(200)) as (made, _):
        assert made.order(cursor(9)) < made.order(cursor(10)) < made.order(cursor(10**19))


@pytest.mark.parametrize("position", ["", "nine", "bmluZQ==", "MQ", "MQ==\n", "é"])
def test_position_that_is_no_cursor_is_a_source_error(position: str) -> None:
    """A position from elsewhere is refused with what was expected."""
    with source(answer(200)) as (made, _), pytest.raises(SourceError, match="is not a cursor"):
        made.order(position)


def read(made: SlsSource, begin: int, end: int) -> list[tuple[int, int, int]]:
    """(begin, end, logs) of each batch."""
    batches = made.read("0", cursor(begin), cursor(end))
    return [(made.order(batch.begin), made.order(batch.end), batch.count) for batch in batches]


def test_range_is_read_pull_after_pull() -> None:
    """Batches tile the range; each pull asks from where the last ended, up to the end."""
    with source(pulled(12, 3), pulled(15), pulled(20, 1), max_groups=7) as (made, server):
        assert read(made, 10, 20) == [(10, 12, 3), (12, 15, 0), (15, 20, 1)]
    for begin, request in zip((10, 12, 15), server.requests, strict=True):
        wanted = urlencode({"cursor": cursor(begin), "count": 7, "end_cursor": cursor(20)})
        assert wanted in request.line


def test_range_that_is_read_costs_no_request() -> None:
    """At or behind the end there is nothing to ask for."""
    with source(pulled(1)) as (made, server):
        assert read(made, 20, 20) == read(made, 21, 20) == []
    assert server.requests == []


def test_empty_range_moves_on() -> None:
    """A range without logs is one empty batch that leads to its end."""
    with source(pulled(11)) as (made, _):
        assert read(made, 10, 11) == [(10, 11, 0)]


def test_no_progress_ends_the_reading() -> None:
    """Where the service has nothing up to the end yet, nothing is claimed to be read."""
    with source(pulled(12, 1), pulled(12)) as (made, server):
        assert read(made, 10, 20) == [(10, 12, 1)]
    assert len(server.requests) == 2


def test_service_that_goes_past_the_end_is_believed() -> None:
    """A last batch that overshoots says how far it went, so that its logs are not read again."""
    with source(pulled(25, 2)) as (made, _):
        assert read(made, 10, 20) == [(10, 25, 2)]


@pytest.mark.parametrize("script", [pulled(10, 1), pulled(9), pulled(9, 1)], ids=["stays", "back", "back-with-logs"])
def test_cursor_that_leads_nowhere_is_a_source_error(script: Behaviour) -> None:
    """Logs without progress, and a way back, end with an error instead of a loop."""
    with source(script) as (made, _), pytest.raises(SourceError, match="leads to"):
        read(made, 10, 20)


def test_filtered_at_source_is_what_the_query_dropped() -> None:
    """With a query, the judged lines minus those that came are counted as filtered at the source."""
    with source(pulled(20, 3, x_log_rawdatalines="10"), query="* | where a = '1'") as (made, server):
        [batch] = made.read("0", cursor(10), cursor(20))
    assert (batch.count, batch.filtered_at_source) == (3, 7)
    assert "pullMode=scan_on_stream" in server.requests[0].line


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b'{"ttl": 7}', 604_800.0), (b'{"ttl": 3650}', None), (b'{"ttl": "x"}', None), (b"{}", None), (b"x", None)],
)
def test_retention_is_the_logstores_ttl(body: bytes, seconds: float | None) -> None:
    """Days become seconds; for ever, and answers that do not say, are None."""
    with source(answer(200, body)) as (made, _):
        assert made.retention() == seconds


def test_retention_raises_nothing() -> None:
    """A key that may not read the logstore's settings still delivers."""
    with source(answer(403, {"errorCode": "AccessDenied", "errorMessage": "no"})) as (made, _):
        assert made.retention() is None


def test_time_at_the_end_is_now() -> None:
    """Nothing is behind: the time of a position at the shard's end is now."""
    with source(answer(200, {"cursor": cursor(20)})) as (made, _):
        assert made.time_of("0", cursor(20)) == 1_767_225_600


@pytest.mark.parametrize(("position", "asked"), [(19, 19), (3, 10)], ids=["kept", "expired"])
def test_time_of_a_position_is_its_receive_time(position: int, asked: int) -> None:
    """Before the end the service is asked; of what is no longer kept, about the oldest that is."""
    script = [answer(200, {"cursor": cursor(number)}) for number in (10, 20)]
    with source(*script, answer(200, {"cursor_time": 1_700_000_000})) as (made, server):
        assert made.time_of("0", cursor(position)) == 1_700_000_000
    assert f"cursor={cursor(asked).replace('=', '%3D')} " in server.requests[-1].line
