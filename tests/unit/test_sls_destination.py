"""The logstore as a destination: its options, its look before the first pull, its pace."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from tests.fakes.engine import Clock
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer

from logferry import config
from logferry.destinations import Surroundings
from logferry.destinations.sls import Config, build, encoder
from logferry.destinations.sls.writer import Writer
from logferry.errors import ConfigError, Misconfigured, Permanent, Transient
from logferry.model import Payload, Record
from logferry.sls.access import opened
from logferry.sls.client import web
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.vault import Vault

PLACE: dict[str, object] = {"project": "central", "logstore": "edge-logs"}
ENVIRON = {"SLS_AK_ID": "id-1", "SLS_AK_KEY": "invented-secret"}
TAKEN = answer(200, b"", {"x-log-requestid": "R1"})


def options(**given: object) -> Config:
    """In cn-hangzhou, unless something else is given."""
    return config.load(Config, PLACE | {"region": "cn-hangzhou"} | given)


@contextmanager
def writer(*script: Behaviour, clock: Clock | None = None, **given: object) -> Iterator[tuple[Writer, Misbehaving]]:
    """A destination whose service behaves like this."""
    time = clock or Clock()
    with Misbehaving(*script) as server:
        made = config.load(Config, PLACE | {"endpoint": server.url} | given)
        logstore = opened(made, made.address, EnvironKeys(ENVIRON), web(), lambda: 1_767_225_600.0)
        destination = Writer("t", logstore, made, time, time.sleep)
        try:
            yield destination, server
        finally:
            destination.close()


def payload(*, topic: str = "", marks: Mapping[str, str] | None = None) -> Payload:
    """One record."""
    made = encoder(options(), Surroundings("t", Vault({})))
    part = made.encode(Record(0, 1, 0, {"__topic__": topic, "m": "text", **(marks or {})}))
    return Payload([part], [0], made.frame([part]))


def refused(status: int, code: str, text: str = "words", headers: Mapping[str, str] | None = None) -> Behaviour:
    """The service's own form of an error."""
    return answer(status, {"errorCode": code, "errorMessage": text}, {"x-log-requestid": "R1", **(headers or {})})


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "https://central.cn-hangzhou.log.aliyuncs.com"),
        ({"internal": True}, "https://central.cn-hangzhou-intranet.log.aliyuncs.com"),
        ({"endpoint": "http://127.0.0.1:8070"}, "http://127.0.0.1:8070"),
        (
            {"endpoint": "cn-hangzhou-intranet.log.aliyuncs.com"},
            "https://central.cn-hangzhou-intranet.log.aliyuncs.com",
        ),
    ],
)
def test_the_endpoint_is_given_or_the_regions(given: dict[str, object], url: str) -> None:
    """A region stands for its public endpoint, or the one inside the vendor's network."""
    assert options(**given).address.url("central") == url


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"region": None}, "endpoint: is missing, a URL such as .*, or a region"),
        ({"region": None, "endpoint": "http://h:1", "auth": "v4"}, "region: is missing, auth v4 needs one"),
        ({"endpoint": "http://h:1", "internal": True}, "internal: has no use with endpoint"),
        ({"endpoint": "cn-shanghai.log.aliyuncs.com"}, "region: cn-hangzhou is not that of the endpoint"),
        ({"endpoint": "https://h/path"}, "endpoint: has more than a host and a port"),
        ({"project": "Central"}, "project: 'Central' is not a project name"),
        ({"logstore": "a/b"}, "logstore: 'a/b' is not a logstore name"),
        ({"hash_key": "abc"}, "hash_key: 'abc' is not 32 hexadecimal digits"),
        ({"topic": "x" * 129}, "topic: .* is not a text of at most 128 characters"),
        ({"tags": {"__logferry__": "x"}}, "tags.__logferry__: begins with __"),
        ({"tags": {f"t{n}": "" for n in range(21)}}, "tags: .* at most 20 tags"),
        ({"tags": {"": "x"}}, "tags: a name of 0 characters, expected 1 to 128"),
        ({"tags": {"a": "x" * 1025}}, "tags.a: 1025 characters, expected at most 1024"),
        ({"access_key_id": "secret://env/A"}, "access_key_id: expected with access_key_secret"),
        ({"access_key_id": "LTAI", "access_key_secret": "secret://env/B"}, "is not a reference to a secret"),
        ({"compression": "gzip"}, "compression: 'gzip'"),
        ({"max_bytes": 999}, "max_bytes: 999"),
        ({"max_records": 40_961}, "max_records: 40961"),
        ({"in_flight": 65}, "in_flight: 65"),
        ({"time_out": "0s"}, "time_out: 0s is not more than 0s"),
    ],
)
def test_what_cannot_work_is_refused_with_a_line(given: dict[str, object], says: str) -> None:
    """Each mistake is one line that names the option and what was expected."""
    with pytest.raises(ConfigError) as caught:
        options(**given)
    assert len(caught.value.problems) == 1
    assert re.search(says, caught.value.problems[0])


def test_check_warns_of_a_key_that_may_only_write(caplog: pytest.LogCaptureFixture) -> None:
    """Least privilege is no mistake: what a denial hides, the first delivery will tell."""
    text = "denied by sts or ram, action: log:GetLogStore"
    with writer(refused(401, "Unauthorized", text)) as (destination, _), caplog.at_level(logging.WARNING):
        destination.check(5)
    assert [line.getMessage() for line in caplog.records] == ["logstore not looked at"]


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (refused(404, "LogStoreNotExist"), "LogStoreNotExist.*make the logstore .*, or correct its name"),
        (refused(404, "ProjectNotExist"), "ProjectNotExist.*make the project in this region"),
        (refused(401, "Unauthorized", "AccessKeyId not found: x"), "check access_key_id"),
        (answer(200, b"<html>"), "without x-log-requestid is not the log service's"),
    ],
)
def test_check_says_what_is_missing_and_what_to_do(behaviour: Behaviour, says: str) -> None:
    """Before the first pull, a person learns what to make or correct."""
    with writer(behaviour) as (destination, _), pytest.raises(Misconfigured, match=says):
        destination.check(5)


def test_a_write_quota_slows_the_next_requests_down() -> None:
    """After a refusal for the quota, pauses grow between requests; a success gives them back."""
    clock = Clock()
    busy = refused(403, "ShardWriteQuotaExceed")
    with writer(busy, busy, TAKEN, clock=clock) as (destination, server):
        for _ in range(2):
            with pytest.raises(Transient, match="ShardWriteQuotaExceed"):
                destination.send(payload(), 60)
            clock.forward(2)
        destination.send(payload(), 60)
        before = clock()
        destination.send(payload(), 60)
        assert clock() - before == pytest.approx(0.25)
    assert len(server.requests) == 4


def test_a_wish_to_be_left_alone_is_kept() -> None:
    """While `Retry-After` lasts nothing is sent at all."""
    clock = Clock()
    with writer(refused(503, "ServerBusy", headers={"Retry-After": "7"}), clock=clock) as (destination, server):
        for _ in range(2):
            with pytest.raises(Transient) as caught:
                destination.send(payload(), 60)
            assert caught.value.retry_after == 7
    assert len(server.requests) == 1


def test_a_payload_of_nothing_sends_nothing() -> None:
    """No parts, no request."""
    with writer(TAKEN) as (destination, server):
        destination.send(Payload((), (), b""), 5)
    assert server.requests == []


def test_the_guard_is_the_tasks_name_and_own_marks_are_not_taken_over() -> None:
    """Whoever reads the group sees which task wrote it; a record's own `__logferry__` counts for nothing."""
    body = payload(marks={"__tag__:__logferry__": "forged"}).body
    assert b"forged" not in body
    assert b"__logferry__\x12\x01t" in body


def test_a_record_that_was_here_before_is_permanent() -> None:
    """Without a guard the way is written on; coming round is told with the way it took."""
    made = encoder(options(loop_guard=False), Surroundings("t", Vault({})))
    with pytest.raises(Permanent, match=r"a loop: .* central/edge-logs before \(by way of a/b,central/edge-logs\)"):
        made.encode(Record(0, 1, 0, {"__tag__:__logferry_via__": "a/b,central/edge-logs", "m": "x"}))
    assert b"a/b,central/edge-logs" in made.encode(Record(0, 1, 0, {"__tag__:__logferry_via__": "a/b", "m": "x"}))


def test_endpoints_of_other_services_have_no_region() -> None:
    """A region beside an own endpoint is what V4 signs with."""
    made = options(endpoint="http://127.0.0.1:8070", auth="v4", region="cn-test")
    assert made.address == Endpoint("http", "127.0.0.1", 8070)


def test_a_key_that_the_runtime_replaces_is_used_at_once() -> None:
    """The environment's key is read at each request: a destination outlives a function's temporary key."""
    environ = {"SLS_AK_ID": "first", "SLS_AK_KEY": "s-1", "SLS_STS_TOKEN": "t-1"}
    with Misbehaving(TAKEN) as server:
        made = config.load(Config, PLACE | {"endpoint": server.url})
        destination = build(made, Surroundings("t", Vault(environ)))
        destination.send(payload(), 5)
        environ |= {"SLS_AK_ID": "second", "SLS_AK_KEY": "s-2", "SLS_STS_TOKEN": "t-2"}
        destination.send(payload(), 5)
        destination.close()
    keys = [request.headers["authorization"].partition(":")[0] for request in server.requests]
    assert keys == ["LOG first", "LOG second"]
    assert [request.headers["x-acs-security-token"] for request in server.requests] == ["t-1", "t-2"]


def test_a_region_speaks_of_an_endpoint_whatever_its_network() -> None:
    """Public, intranet and accelerated names are of one region; other hosts of none."""
    names = ("cn-hangzhou.log.aliyuncs.com", "http://cn-hangzhou-intranet.log.aliyuncs.com", "127.0.0.1:80")
    assert [Endpoint.parse(name).region for name in names] == ["cn-hangzhou", "cn-hangzhou", ""]
