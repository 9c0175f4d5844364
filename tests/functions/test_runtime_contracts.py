"""`runtime.entry` under each cloud's contract: what the Call holds, and the reply's form."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from logferry import errors, runtime
from logferry.runtime import Call, Reply
from logferry_local.platforms import Function, driver, settings

CODE = Path(__file__).parent / "data/probe"
KEY = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "id-1",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush-1",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "token-1",
}


class Clock:
    """A clock that moves when told."""

    now = 100.0

    def __call__(self) -> float:
        """The time as it was set."""
        return self.now


def context(contract: str, timeout: float = 30) -> object:
    """The handler's second argument as that platform makes it."""
    function = Function(name="forward", code=CODE, timeout=timeout)
    return driver.context({**settings(function, contract), "key": ["id-2", "hush-2", "token-2"]}, {"request_id": "r-1"})


def called(contract: str, event: object, environ: Mapping[str, str], clock: Callable[[], float] | None = None) -> Call:
    """The Call that a handler hands to the engine."""
    seen: list[Call] = []

    def note(call: Call) -> Mapping[str, object]:
        seen.append(call)
        return {}

    runtime.entry(note, environ=environ, clock=clock or Clock())(event, context(contract))
    return seen[0]


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_call_carries_event_and_request_id(contract: str) -> None:
    """Bytes on one cloud and an object on the other become the same event."""
    event: object = {"source": {"shardId": 3}}
    call = called(contract, event if contract == "aws" else json.dumps(event).encode(), {})
    assert (call.event, call.request_id) == (event, "r-1")


def test_fc_time_left_is_the_timeout_less_what_passed() -> None:
    """Function Compute tells only the time-out, so the runtime counts down itself."""
    clock = Clock()
    call = called("fc", b"{}", {}, clock)
    clock.now += 12
    assert call.time_left() == 18


def test_lambda_time_left_is_what_lambda_says() -> None:
    """Milliseconds of Lambda's own clock become seconds."""
    left = SimpleNamespace(aws_request_id="r-2", get_remaining_time_in_millis=lambda: 1500)
    seen: list[float] = []

    def note(call: Call) -> Mapping[str, object]:
        seen.append(call.time_left())
        return {}

    runtime.entry(note, environ={})({}, left)
    assert seen == [1.5]


def test_without_a_platform_time_does_not_end() -> None:
    """A local call with no context has no limit and a stated request id."""
    seen: list[Call] = []

    def note(call: Call) -> Mapping[str, object]:
        seen.append(call)
        return {"done": 1}

    assert runtime.entry(note, environ={})("{}", None) == {"done": 1}
    assert (seen[0].time_left(), seen[0].request_id) == (math.inf, "local")


def test_key_comes_from_the_environment_first() -> None:
    """A whole key in the environment wins over the context's."""
    call = called("fc-python3.10", b"{}", KEY)
    assert call.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "id-1"


def test_key_comes_from_the_context_when_the_environment_has_none() -> None:
    """On python3.10 the context's key appears under the names that python3.12 uses."""
    call = called("fc-python3.10", b"{}", {"LOGFERRY_STATE": "memory:x"})
    assert dict(call.environ) == {
        "LOGFERRY_STATE": "memory:x",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "id-2",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush-2",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "token-2",
    }


def test_half_a_key_is_never_mixed_with_another() -> None:
    """A token left over in the environment does not go with the context's key."""
    call = called("fc-python3.10", b"{}", {"ALIBABA_CLOUD_SECURITY_TOKEN": "old"})
    assert call.environ["ALIBABA_CLOUD_SECURITY_TOKEN"] == "token-2"


def test_python312_context_has_no_key_and_none_is_invented() -> None:
    """Without a key anywhere the environment stays as it is."""
    assert dict(called("fc", b"{}", {"A": "b"}).environ) == {"A": "b"}


@pytest.mark.parametrize(
    ("contract", "reply"), [("fc", '{"read":2}'), ("fc-python3.10", '{"read":2}'), ("aws", {"read": 2})]
)
def test_reply_has_the_clouds_form(contract: str, reply: object) -> None:
    """Function Compute gets JSON text, Lambda an object; a Reply and a plain mapping are the same."""
    for function in (lambda _: {"read": 2}, lambda _: Reply({"read": 2})):
        assert runtime.entry(function, environ={})({} if contract == "aws" else b"{}", context(contract)) == reply


def test_an_exception_passes_through() -> None:
    """Raising is what makes the platform call again, so nothing swallows it."""

    def fail(_: Call) -> Mapping[str, object]:
        raise errors.Unfinished("work is left")

    with pytest.raises(errors.Unfinished, match="work is left"):
        runtime.entry(fail, environ={})(b"{}", context("fc"))


def test_a_call_does_not_show_its_environment() -> None:
    """The environment holds secrets, so the repr leaves it out."""
    assert "hush" not in repr(called("fc", b"{}", KEY))
