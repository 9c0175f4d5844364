"""The SLS trigger's event: what is read of it, and every mistake at once."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.errors import ConfigError
from logferry.sls.trigger import MAX_EVENT, Doorbell, parse

EVENTS = Path(__file__).parents[2] / "events/forward"
EVENT: dict[str, Any] = {
    "parameter": {"a": "b"},
    "source": {
        "endpoint": "http://cn-x-intranet.log.aliyuncs.com", "projectName": "p-1", "logstoreName": "l", "shardId": 3,
        "beginCursor": "MQ==", "endCursor": "Mg==",
    },
    "jobName": "j", "taskId": "t", "cursorTime": 1767225600,
}  # fmt: skip
BELL = Doorbell("http://cn-x-intranet.log.aliyuncs.com", "p-1", "l", "3", "MQ==", "Mg==", {"a": "b"}, "t", 1767225600)


@pytest.mark.parametrize("event", [EVENT, json.dumps(EVENT), json.dumps(EVENT).encode()], ids=["dict", "str", "bytes"])
def test_event_comes_in_any_form(event: object) -> None:
    """The platform hands over bytes, a test an object: both are the same doorbell."""
    assert parse(event) == BELL


@pytest.mark.parametrize("path", sorted(EVENTS.glob("sls_trigger.*.json")), ids=lambda path: path.name)
def test_sample_events_are_doorbells(path: Path) -> None:
    """The sample events of the function are read."""
    assert parse(path.read_bytes()).project


def test_only_the_source_is_required() -> None:
    """Parameter, job, task and cursor time may be absent."""
    bell = parse({"source": EVENT["source"]})
    assert (bell.parameter, bell.task_id, bell.cursor_time) == ({}, "", 0)


def test_new_keys_are_ignored() -> None:
    """A key that the platform adds one day does not stop the delivery."""
    assert parse({**EVENT, "new": 1, "source": {**EVENT["source"], "new": 1}}) == BELL


def test_every_mistake_is_listed() -> None:
    """All mistakes come in one error, each with its path."""
    with pytest.raises(ConfigError) as caught:
        parse({"source": {"endpoint": 1, "projectName": "", "shardId": "0", "beginCursor": "!"}, "cursorTime": -1})
    paths = {problem.partition(":")[0] for problem in caught.value.problems}
    wrong = {"endpoint", "projectName", "logstoreName", "shardId", "beginCursor", "endCursor"}
    assert paths == {f"source.{name}" for name in wrong} | {"cursorTime"}


@pytest.mark.parametrize("event", [b"", b"\xff", "{", "[]", None, 7, {}, {"source": []}, b" " * (MAX_EVENT + 1)])
def test_what_is_no_event_is_a_config_error(event: object) -> None:
    """Unreadable, empty and huge events are one kind of error."""
    with pytest.raises(ConfigError, match=r"^event: "):
        parse(event)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.binary(max_size=50) | json_values | st.dictionaries(st.sampled_from(list(EVENT)), json_values))
def test_any_event_is_a_doorbell_or_a_config_error(event: object) -> None:
    """Nothing that may come in raises anything else."""
    try:
        assert isinstance(parse(event), Doorbell)
    except ConfigError as error:
        assert error.problems  # noqa: PT017  # either outcome is right
