"""What the Tablestore table promises beyond the contract: throttling, lost answers, keys that change, advice."""

import itertools
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.clock import Clock
from tests.fakes.fault_proxy import Answer, FaultProxy, LostAnswer, fault_proxy
from tests.fakes.ots import ENVIRON, KEY_ID, SECRET, ots_server

from logferry import state
from logferry.errors import Conflict, Misconfigured, StateError
from logferry.state import Table, tablestore
from logferry.state._ots_client import Key, OtsClient
from logferry.state._ots_rows import spot_of
from logferry.vault import Secret
from logferry_local.ots_server.messages import messages

ROOT = Path(__file__).parents[2]


def _error(code: str, status: int, text: str = "no") -> Answer:
    return Answer(status, messages.Error(code=code, message=text).SerializeToString())


BUSY = _error("OTSServerBusy", 503)
PASSING = [BUSY, _error("OTSRowOperationConflict", 409), Answer(502, b"<html>"), LostAnswer()]


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one table, behind a proxy that makes faults."""
    keys = {KEY_ID: SECRET, "temporary": f"{SECRET}2:token-two"}
    with ots_server(keys=keys) as server, fault_proxy(server.address) as made, pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        tablestore.create_table("instance/rows", {"endpoint": server.address})
        yield made


@pytest.fixture
def table(proxy: FaultProxy) -> Iterator[Table]:
    """The table, reached through the proxy."""
    proxy.calls.clear()
    proxy.faults.clear()
    opened = state.open_table(f"tablestore:instance/rows?region=cn-hangzhou&endpoint={proxy.url}", Clock())
    yield opened
    opened.close()


def client(proxy: FaultProxy) -> OtsClient:
    """The table's client by itself."""
    spot = spot_of("instance/rows", {"endpoint": proxy.url})
    return OtsClient(spot, lambda: Key(KEY_ID, Secret(SECRET)), sleep=lambda _: None, chance=lambda: 0.0)


@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault_is_healed(table: Table, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Busy twice, a gateway's page or a connection that breaks: the third attempt of one call passes."""
    version = table.put(part, "a", b"one", expect=None)
    proxy.faults.extend([fault, fault])
    proxy.calls.clear()
    assert table.get(part, "a") == ("a", b"one", version)
    assert len(proxy.calls) == 3


@pytest.mark.parametrize("fault", PASSING)
def test_fault_that_stays_is_a_state_error(table: Table, proxy: FaultProxy, fault: Answer) -> None:
    """Three attempts and no more, where the SDK would make 21; a later call passes."""
    proxy.faults.extend([fault] * 3)
    with pytest.raises(StateError) as caught:
        table.get("p", "a")
    assert not isinstance(caught.value, Conflict)
    assert len(proxy.calls) == 3
    assert table.get("p", "a") is None


def test_write_whose_answer_was_lost_is_known_by_its_version(table: Table, proxy: FaultProxy, part: str) -> None:
    """The repeat of a write that had passed is refused; the row has this write's version, which is no conflict."""
    first = table.put(part, "a", b"one", expect=None)
    proxy.calls.clear()
    proxy.faults.append(LostAnswer())
    second = table.put(part, "a", b"two", expect=first)
    assert proxy.calls == ["POST /PutRow", "POST /PutRow", "POST /GetRow"]
    assert table.get(part, "a") == ("a", b"two", second)


def test_first_write_whose_answer_was_lost_is_known_too(table: Table, proxy: FaultProxy, part: str) -> None:
    """The same where no row was expected."""
    proxy.faults.append(LostAnswer())
    version = table.put(part, "a", b"one", expect=None)
    assert table.get(part, "a") == ("a", b"one", version)


def test_doubted_write_that_lost_is_a_conflict(table: Table, proxy: FaultProxy, part: str) -> None:
    """Busy, then refused, and the row is another's: somebody else wrote it."""
    table.put(part, "a", b"one", expect=None)
    proxy.faults.append(BUSY)
    with pytest.raises(Conflict):
        table.put(part, "a", b"two", expect="not-this-version")


def test_write_lost_for_good_is_found_by_a_re_read(table: Table, proxy: FaultProxy, part: str) -> None:
    """No answer at all is a StateError; the same write again is a Conflict, and a re-read shows the value is there."""
    first = table.put(part, "a", b"one", expect=None)
    proxy.faults.extend([LostAnswer()] * 3)
    with pytest.raises(StateError):
        table.put(part, "a", b"mine", expect=first)
    with pytest.raises(Conflict):
        table.put(part, "a", b"mine", expect=first)
    item = table.get(part, "a")
    assert item is not None
    assert item.value == b"mine"


def test_list_asks_page_by_page(table: Table, proxy: FaultProxy, part: str) -> None:
    """Rows of 350 kB fill a page with eleven: thirteen take two ranges, and only as many as are read."""
    for number in range(13):
        table.put(part, f"{number:02}", b"x" * 350_000, expect=None)
    proxy.calls.clear()
    assert [item.sort for item in itertools.islice(table.list(part), 2)] == ["00", "01"]
    assert len(proxy.calls) == 1
    assert [item.sort for item in table.list(part)] == [f"{number:02}" for number in range(13)]
    assert len(proxy.calls) == 3


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (_error("OTSAuthFailed", 403), "OTSAuthFailed: check the access key"),
        (_error("OTSNoPermissionAccess", 403), "grant the actions"),
        (_error("OTSObjectNotExist", 404), "make the table"),
        (_error("OTSInvalidPK", 400), "primary key columns `partition`"),
        (_error("OTSSomethingNew", 400), "OTSSomethingNew: check the settings"),
        (_error("<script>", 400), "an unknown code: check the settings"),
        (Answer(404, b"<html>no such page"), "answered 404, and not as Tablestore does"),
    ],
)
def test_what_a_person_must_mend_says_how(table: Table, proxy: FaultProxy, answer: Answer, advice: str) -> None:
    """Rights, names and keys are not tried again: Misconfigured, once, with what to do."""
    proxy.faults.append(answer)
    with pytest.raises(Misconfigured, match=advice):
        table.get("p", "a")
    assert len(proxy.calls) == 1


def test_error_repeats_no_text_of_the_service(
    table: Table, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither our message nor any log line quotes what a service says of a request; a lost condition is no log line."""
    caplog.set_level(logging.DEBUG, logger="logferry")
    version = table.put("quiet", "a", b"very-secret", expect=None)
    with pytest.raises(Conflict):
        table.put("quiet", "a", b"very-secret", expect=None)
    table.delete("quiet", "a", expect=version)
    proxy.faults.append(_error("OTSAuthFailed", 403, "signed with very-secret"))
    with pytest.raises(Misconfigured) as caught:
        table.get("p", "a")
    assert "very-secret" not in str(caught.value) + caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_answer_that_is_not_signed_is_not_believed(table: Table, proxy: FaultProxy) -> None:
    """A 200 without the service's signature, from whoever sits in between, is no answer."""
    proxy.faults.extend([Answer(200, b"")] * 3)
    with pytest.raises(StateError, match="damaged or not Tablestore's"):
        table.get("p", "a")


def test_clock_that_is_wrong_is_told(table: Table, proxy: FaultProxy) -> None:
    """The SDK refuses an answer of another time; trying again would not help."""
    proxy.faults.append(Answer(503, b"", {"x-ots-date": "2001-01-01T00:00:00.000Z"}))
    with pytest.raises(Misconfigured, match="set this machine's clock"):
        table.get("p", "a")


def test_key_is_read_for_each_request(table: Table, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary key that the runtime replaces between two calls is used by the next one, token and all."""
    table.get("p", "a")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "temporary")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", f"{SECRET}2")
    with pytest.raises(Misconfigured, match="OTSAuthFailed"):
        table.get("p", "a")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token-two")
    table.get("p", "a")
    assert [headers.get("x-ots-accesskeyid") for headers in proxy.headers[-3:]] == [KEY_ID, "temporary", "temporary"]


def test_no_key_is_for_a_person(table: Table, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    with pytest.raises(Misconfigured, match="set ALIBABA_CLOUD_ACCESS_KEY_ID"):
        table.get("p", "a")
    assert proxy.calls == []


def test_key_is_never_shown() -> None:
    """Not even by its repr."""
    assert "mine" not in repr(Key("id", Secret("mine"), Secret("mine-too")))


def test_connections_are_not_shared_with_a_child(table: Table, part: str) -> None:
    """Parent and child use the table at once after a fork, each on connections of its own."""
    table.put(part, "parent", b"0", expect=None)
    child = os.fork()
    if child == 0:
        done = 1
        try:
            for number in range(20):
                table.put(part, f"child-{number}", b"", expect=None)
            done = 0
        finally:
            os._exit(done)
    for number in range(20):
        table.put(part, f"parent-{number}", b"", expect=None)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(table.list(part))) == 41


@pytest.mark.parametrize("draws", [(0.0, 0.0), (0.0, 0.9)])
def test_long_expired_rows_are_removed_by_writes(proxy: FaultProxy, part: str, draws: tuple[float, ...]) -> None:
    """A write that sets an expiry removes 20 of what expired an hour ago, from the front or beside itself."""
    clock = Clock()
    ots = client(proxy)
    left = iter(draws)
    plain, tidy = (
        tablestore.OtsTable(ots, clock, chance=lambda: 1.0),
        tablestore.OtsTable(ots, clock, lambda: next(left)),
    )
    for number in range(30):
        plain.put(part, f"a-{number:02}", b"", expect=None, expires=clock.now + 1)
    plain.put(part, "b-kept", b"", expect=None)
    plain.put(part, "b-recent", b"", expect=None, expires=clock.now + 3_000)
    clock.now += 3_601.0
    tidy.put(part, "a-", b"", expect=None, expires=clock.now + 1)
    clock.now -= 3_601.0  # as a reader with an earlier clock sees it: what is really there
    there = [item.sort for item in plain.list(part)]
    assert there == ["a-", *(f"a-{number:02}" for number in range(20, 30)), "b-kept", "b-recent"]
    ots.close()


@pytest.mark.parametrize("page", ["docs/state.md", "deploy/ram/forward.json", "deploy/ram/sweep.json"])
def test_what_is_called_is_what_is_granted(proxy: FaultProxy, part: str, page: str) -> None:
    """The calls of all four operations, the look for expired rows among them, are the actions of page and role."""
    ots, clock = client(proxy), Clock()
    table = tablestore.OtsTable(ots, clock, chance=lambda: 0.0)
    proxy.calls.clear()
    version = table.put(part, "a", b"", expect=None, expires=clock.now + 1)
    table.delete(part, "a", expect=version)
    assert table.get(part, "a") is None
    assert list(table.list(part)) == []
    ots.close()
    text = (ROOT / page).read_text(encoding="utf-8").partition("For making it")[0]
    assert {call.removeprefix("POST /") for call in proxy.calls} == set(re.findall(r'"ots:(\w+)"', text))


def test_tidying_that_fails_fails_no_write(table: Table, proxy: FaultProxy, part: str) -> None:
    """Without the right to read ranges rows are written all the same."""
    ots = client(proxy)
    tidy = tablestore.OtsTable(ots, Clock(), chance=lambda: 0.0)
    tidy.get(part, "a")
    proxy.faults.extend([_error("OTSNoPermissionAccess", 403)])
    with pytest.raises(Misconfigured):
        tidy.get(part, "a")
    version = tidy.put(part, "a", b"one", expect=None, expires=2e6)
    assert table.get(part, "a") == ("a", b"one", version)
    ots.close()


def test_row_of_somebody_else_is_told(table: Table, proxy: FaultProxy, part: str) -> None:
    """A row without our columns is not ours: a person must look, and nothing is overwritten."""
    ots = client(proxy)
    ots.call("put_row", "rows", ots.sdk.Row([("partition", part), ("sort", "a")], [("other", 1)]))
    ots.close()
    with pytest.raises(Misconfigured, match="is this table logferry's own"):
        table.get(part, "a")
    with pytest.raises(Conflict):
        table.put(part, "a", b"", expect="some-version")
    with pytest.raises(Misconfigured):
        table.put(part, "a", b"", expect=None)
