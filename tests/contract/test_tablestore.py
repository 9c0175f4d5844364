"""What the Tablestore table promises beyond the contract: throttling, lost answers, keys that change, advice."""

import itertools
import logging
import os
from collections.abc import Iterator

import pytest
from tests.fakes.clock import Clock
from tests.fakes.fault_proxy import Answer, FaultProxy, LostAnswer
from tests.fakes.ots import KEY_ID, SECRET
from tests.fakes.ots_table import client, error, faulty_table

from logferry import state
from logferry.errors import Conflict, Misconfigured, StateError
from logferry.state import Item, Table
from logferry.state._ots_client import Key
from logferry.vault import Secret

BUSY = error("OTSServerBusy", 503)
PASSING = [BUSY, error("OTSRowOperationConflict", 409), Answer(502, b"<html>"), LostAnswer()]


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one table, behind a proxy that makes faults."""
    with faulty_table({KEY_ID: SECRET, "temporary": f"{SECRET}2:token-two"}) as made:
        yield made


@pytest.fixture
def table(proxy: FaultProxy) -> Iterator[Table]:
    """The table, reached through the proxy."""
    proxy.calls.clear()
    proxy.faults.clear()
    opened = state.open_table(f"tablestore:instance/rows?region=cn-hangzhou&endpoint={proxy.url}", Clock())
    yield opened
    opened.close()


@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault_is_healed(table: Table, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Busy twice, a gateway's page or a connection that breaks: the third attempt of one call passes."""
    version = table.put(part, "a", b"one", expect=None)
    proxy.faults.extend([fault, fault])
    proxy.calls.clear()
    assert table.get(part, "a") == Item("a", b"one", version)
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
    assert table.get(part, "a") == Item("a", b"two", second)


def test_first_write_whose_answer_was_lost_is_known_too(table: Table, proxy: FaultProxy, part: str) -> None:
    """The same where no row was expected."""
    proxy.faults.append(LostAnswer())
    version = table.put(part, "a", b"one", expect=None)
    assert table.get(part, "a") == Item("a", b"one", version)


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
        (error("OTSAuthFailed", 403), "OTSAuthFailed: check the access key"),
        (error("OTSNoPermissionAccess", 403), "grant the actions"),
        (error("OTSObjectNotExist", 404), "make the table"),
        (error("OTSInvalidPK", 400), "primary key columns `partition`"),
        (error("OTSSomethingNew", 400), "OTSSomethingNew: check the settings"),
        (error("<script>", 400), "an unknown code: check the settings"),
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
    proxy.faults.append(error("OTSAuthFailed", 403, "signed with very-secret"))
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
