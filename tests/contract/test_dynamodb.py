"""What the DynamoDB table promises beyond the contract: throttling, lost answers, pages, advice for a person."""

import itertools
import json
from collections.abc import Iterator

import pytest
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.clock import Clock
from tests.fakes.fault_proxy import Answer, FaultProxy, LostAnswer, fault_proxy

from logferry import registry, state
from logferry.errors import Conflict, Misconfigured, StateError
from logferry.state import Table, dynamodb


def _error(code: str, status: int = 400, text: str = "no") -> Answer:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": text}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.0"})


THROTTLED = _error("ProvisionedThroughputExceededException")


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one table, behind a proxy that makes faults."""
    with aws_server() as server, fault_proxy(server) as made, pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        place = registry.locate("state", f"dynamodb:rows?region=eu-west-1&endpoint={server}")
        dynamodb.create_table(place.location, place.options)
        yield made


@pytest.fixture
def table(proxy: FaultProxy) -> Iterator[Table]:
    """The table, reached through the proxy."""
    proxy.calls.clear()
    proxy.faults.clear()
    opened = state.open_table(f"dynamodb:rows?region=eu-west-1&endpoint={proxy.url}", Clock())
    yield opened
    opened.close()


@pytest.mark.parametrize("fault", [THROTTLED, _error("InternalServerError", 500), LostAnswer()])
def test_passing_fault_is_healed(table: Table, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Throttled twice, a 5xx or a connection that breaks: the third attempt of one call passes."""
    version = table.put(part, "a", b"one", expect=None)
    proxy.faults.extend([fault, fault])
    proxy.calls.clear()
    assert table.get(part, "a") == ("a", b"one", version)
    assert len(proxy.calls) == 3


@pytest.mark.parametrize("fault", [THROTTLED, _error("InternalServerError", 500), LostAnswer()])
def test_fault_that_stays_is_a_state_error(table: Table, proxy: FaultProxy, part: str, fault: Answer) -> None:
    """Three attempts and no more; then it is the caller's to try again, and a later call passes."""
    proxy.faults.extend([fault] * 3)
    with pytest.raises(StateError) as caught:
        table.get(part, "a")
    assert not isinstance(caught.value, Conflict)
    assert len(proxy.calls) == 3
    assert table.get(part, "a") is None


def test_write_whose_answer_was_lost_is_known_by_its_version(table: Table, proxy: FaultProxy, part: str) -> None:
    """The repeat of a write that had passed finds its own version, which is no conflict."""
    first = table.put(part, "a", b"one", expect=None)
    proxy.faults.append(LostAnswer())
    second = table.put(part, "a", b"two", expect=first)
    assert [call.split(".")[-1] for call in proxy.calls] == ["PutItem"] * 3
    assert table.get(part, "a") == ("a", b"two", second)


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
    """Rows of 350 kB fill a page with three: ten take at least four queries, and only as many as are read."""
    for number in range(10):
        table.put(part, str(number), b"x" * 350_000, expect=None)
    proxy.calls.clear()
    assert [item.sort for item in itertools.islice(table.list(part), 2)] == ["0", "1"]
    assert len(proxy.calls) == 1
    assert [item.sort for item in table.list(part)] == [str(number) for number in range(10)]
    assert len(proxy.calls) >= 5


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (_error("AccessDeniedException"), "AccessDeniedException: check"),
        (_error("UnrecognizedClientException"), "UnrecognizedClientException: check"),
        (_error("ResourceNotFoundException"), "make the table"),
        (_error("ExpiredTokenException"), "renew the credentials"),
        (_error("ValidationException"), "partition key `partition`"),
    ],
)
def test_what_a_person_must_mend_says_how(table: Table, proxy: FaultProxy, answer: Answer, advice: str) -> None:
    """Rights, names and keys are not tried again: Misconfigured, once, with what to do."""
    proxy.faults.append(answer)
    with pytest.raises(Misconfigured, match=advice):
        table.get("p", "a")
    assert len(proxy.calls) == 1


def test_error_repeats_no_text_of_the_service(table: Table, proxy: FaultProxy) -> None:
    """A signature error quotes the signed request with its session token; ours names the code alone."""
    proxy.faults.append(_error("InvalidSignatureException", 403, "x-amz-security-token:very-secret"))
    with pytest.raises(Misconfigured) as caught:
        table.get("p", "a")
    assert "very-secret" not in str(caught.value)


def test_table_that_is_not_there(proxy: FaultProxy) -> None:
    """A wrong name is told with the advice to make it."""
    missing = state.open_table(f"dynamodb:none?region=eu-west-1&endpoint={proxy.url}")
    with pytest.raises(Misconfigured, match=r"dynamodb:none: .*ResourceNotFoundException: make the table"):
        missing.get("p", "a")
    missing.close()


def test_nobody_there_is_a_state_error() -> None:
    """A refused connection may pass."""
    table = state.open_table("dynamodb:rows?region=eu-west-1&endpoint=http://127.0.0.1:9")
    with pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        with pytest.raises(StateError, match="refused"):
            table.get("p", "a")
    table.close()


def test_no_credentials_is_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any key nothing is sent."""
    for name in ENVIRON:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    table = state.open_table("dynamodb:rows?region=eu-west-1&endpoint=http://127.0.0.1:9")
    with pytest.raises(Misconfigured, match="credentials"):
        table.get("p", "a")
    table.close()


@pytest.mark.parametrize("query", ["", "?region=eu-west-1&endpoint=nonsense"])
def test_region_and_endpoint_that_do_not_work_are_told(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No region anywhere, or an endpoint that is no URL: for a person."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    table = state.open_table(f"dynamodb:rows{query}")
    with pytest.raises(Misconfigured, match=r"region|endpoint"):
        table.get("p", "a")
    table.close()


def test_making_the_table_twice_is_harmless(proxy: FaultProxy) -> None:
    """The second time finds it, with its time-to-live on."""
    place = registry.locate("state", f"dynamodb:rows?region=eu-west-1&endpoint={proxy.url}")
    proxy.calls.clear()
    dynamodb.create_table(place.location, place.options)
    assert not [call for call in proxy.calls if call.endswith("UpdateTimeToLive")]
