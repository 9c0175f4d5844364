"""Several endpoints: load is spread, a failed one is left and probed again, doubt goes back to the engine."""

import contextlib
import logging
from collections.abc import Iterator, Mapping

import pytest
from tests.fakes.engine import Clock
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, nobody, reset

from logferry.config import load
from logferry.destinations import Surroundings
from logferry.destinations.splunk_hec import Config
from logferry.destinations.splunk_hec.collector import Collector
from logferry.destinations.splunk_hec.endpoint import Clocks
from logferry.errors import ConfigError, Misconfigured, Permanent, Transient
from logferry.model import Payload
from logferry.vault import Vault

HEALTHY = answer(200, {"text": "HEC is healthy", "code": 17})
TAKEN = answer(200, {"text": "Success", "code": 0})
BUSY = answer(503, {"text": "Server is busy", "code": 9})
FORBIDDEN = answer(403, {"text": "Invalid token", "code": 4})
ONE = Payload((b"{}",), (0,), b"{}")


class Site:
    """A collector over some servers, and its clock."""

    def __init__(self, urls: list[str], environ: dict[str, str], **options: object) -> None:
        self.clock = Clock()
        config = load(Config, {"url": urls, "token": "secret://env/T", **options})
        clocks = Clocks(self.clock, self.clock, self.clock.sleep)
        self.to = Collector(config, Surroundings("task-1", Vault(environ)), clocks)

    def send(self, count: int = 1) -> None:
        """That many payloads, one after the other."""
        for _ in range(count):
            self.to.send(ONE, 20)


@contextlib.contextmanager
def site(
    *scripts: list[Behaviour], options: Mapping[str, object] | None = None
) -> Iterator[tuple[Site, list[Misbehaving]]]:
    """One server a script."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Misbehaving(*script)) for script in scripts]
        made = Site([server.url for server in servers], {"T": "token"}, **(options or {}))
        stack.callback(made.to.close)
        yield made, servers


def posts(server: Misbehaving) -> int:
    """How many payloads it was sent."""
    return sum(request.line.startswith("POST") for request in server.requests)


def looks(server: Misbehaving) -> int:
    """How often it was asked for its health."""
    return sum(request.line.startswith("GET") for request in server.requests)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ([], "url: "),
        (["http://a:1"] * 17, "url: "),
        (["http://a:1", "b:1"], "url: does not begin with http"),
        (["http://a:1", "http://a:1/"], "url: one is listed twice"),
        (5, "url: 5 is not a text of 1 to 1024 characters or a list of 1 to 16 URLs"),
    ],
)
def test_wrong_list_is_named(url: object, problem: str) -> None:
    """1 to 16 addresses, each sound, each once."""
    with pytest.raises(ConfigError) as caught:
        load(Config, {"url": url, "token": "secret://env/T"})
    assert [found for found in caught.value.problems if found.startswith(problem)], caught.value.problems


def test_load_is_spread() -> None:
    """Each of three gets its third."""
    with site([TAKEN], [TAKEN], [TAKEN]) as (made, servers):
        made.send(9)
    assert [posts(server) for server in servers] == [3, 3, 3]


@pytest.mark.parametrize("refusal", [BUSY, FORBIDDEN, answer(429), answer(503, {"code": 23})])
def test_payload_that_was_not_taken_goes_to_the_next_at_once(refusal: Behaviour) -> None:
    """What says that it took nothing is left for another; nobody waits and nothing is in doubt."""
    with site([refusal], [TAKEN]) as (made, servers):
        made.send(3)
    assert [posts(server) for server in servers] == [1, 3]
    assert made.clock.slept == []


def test_endpoint_where_nobody_listens_is_left() -> None:
    """A refused connection sent nothing."""
    with nobody() as port, Misbehaving(TAKEN) as server:
        made = Site([f"http://127.0.0.1:{port}", server.url], {"T": "token"})
        made.send(3)
        made.to.close()
    assert posts(server) == 3


@pytest.mark.parametrize("doubtful", [reset, answer(500, {"code": 8}), answer(408), answer(502, b"<html>")])
def test_payload_that_may_have_been_taken_goes_back_to_the_engine(doubtful: Behaviour) -> None:
    """The engine counts the repeat; what it sends again goes to the other one."""
    with site([doubtful], [TAKEN]) as (made, servers):
        with pytest.raises(Transient) as caught:
            made.send()
        assert caught.value.in_doubt
        made.send(2)
    assert [posts(server) for server in servers] == [1, 2]


def test_failed_endpoint_is_probed_by_its_health_page() -> None:
    """After its rest one look; still sick: a longer rest; healthy: payloads again."""
    with site([reset, BUSY, HEALTHY, TAKEN], [TAKEN]) as (made, (sick, other)):
        with pytest.raises(Transient):
            made.send()
        made.send(2)
        assert (posts(sick), looks(sick)) == (1, 0)
        made.clock.forward(1.1)
        made.send(2)
        assert (posts(sick), looks(sick)) == (1, 1), "its health page said busy"
        made.clock.forward(1.1)
        made.send(2)
        assert looks(sick) == 1, "the rest has doubled"
        made.clock.forward(1.1)
        made.send(4)
    assert (posts(sick), looks(sick)) == (3, 2)
    assert posts(other) == 8


def test_all_down_is_transient_and_says_each_reason() -> None:
    """Nothing was taken by anybody: not in doubt; the soonest wish counts."""
    busy = answer(503, {"text": "Server is busy", "code": 9}, {"Retry-After": "9"})
    with (
        site([busy], [answer(503, {"code": 9}, {"Retry-After": "4"})]) as (made, servers),
        pytest.raises(Transient, match=r"127.0.0.1:\d+: HTTP 503 code 9 .*; 127.0.0.1:\d+: HTTP 503") as caught,
    ):
        made.send()
    assert (caught.value.in_doubt, caught.value.retry_after) == (False, 4.0)
    assert [posts(server) for server in servers] == [1, 1]


def test_while_all_rest_the_one_due_next_is_looked_at() -> None:
    """The engine's pace decides how often; a payload gets through as soon as one is well."""
    with site([BUSY, HEALTHY, TAKEN], [BUSY]) as (made, servers):
        with pytest.raises(Transient):
            made.send()
        made.send()
    assert [posts(server) for server in servers] == [2, 1]


def test_one_wrong_endpoint_is_an_error_line_and_the_others_work(caplog: pytest.LogCaptureFixture) -> None:
    """401 or 403 of one rests it five minutes; the task is not held."""
    with site([FORBIDDEN], [TAKEN]) as (made, servers):
        made.send()
        made.clock.forward(299)
        made.send(4)
        assert [posts(server) for server in servers] == [1, 5]
    (line,) = [line for line in caplog.records if line.getMessage() == "endpoint rests"]
    assert (line.levelno, line.__dict__["url"]) == (logging.ERROR, servers[0].url.removeprefix("http://"))


def test_all_wrong_holds_until_the_token_changes() -> None:
    """Misconfigured only if each of them says so; a new token ends their rests."""
    environ = {"T": "old"}
    with Misbehaving(FORBIDDEN, HEALTHY, TAKEN) as first, Misbehaving(FORBIDDEN, HEALTHY, TAKEN) as second:
        made = Site([first.url, second.url], environ)
        with pytest.raises(Misconfigured, match=r"code 4.*code 4"):
            made.send()
        assert not made.to.refresh()
        environ["T"] = "new"
        assert made.to.refresh()
        made.send(2)
        made.to.close()
    assert [posts(server) for server in (first, second)] == [2, 2]


def test_refused_record_does_not_rest_an_endpoint() -> None:
    """The payload is to blame, so the endpoint is well."""
    bad = answer(400, {"text": "No data", "code": 5})
    with site([bad], [bad]) as (made, servers):
        for _ in range(4):
            with pytest.raises(Permanent):
                made.send()
    assert [posts(server) for server in servers] == [2, 2]


def test_check_is_content_with_one(caplog: pytest.LogCaptureFixture) -> None:
    """Before the first pull one endpoint that answers is enough; the other is named, and not tried first."""
    with nobody() as port, Misbehaving(HEALTHY, TAKEN) as server:
        made = Site([f"http://127.0.0.1:{port}", server.url], {"T": "token"})
        made.to.check(10)
        made.send(2)
        made.to.close()
    assert [line.getMessage() for line in caplog.records] == ["endpoint rests"]


def test_check_fails_if_nobody_answers() -> None:
    """All of them down is Transient."""
    with nobody() as one, nobody() as two:
        made = Site([f"http://127.0.0.1:{port}" for port in (one, two)], {"T": "token"})
        with pytest.raises(Transient, match=r"refused.*refused"):
            made.to.check(10)
        made.to.close()
