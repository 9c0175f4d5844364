"""Events are doorbells: what a caller writes into one moves no position and opens no connection of its choice."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry

from logferry import calls
from logferry.errors import ConfigError


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """One task that is behind."""
    with ferry(tmp_path) as made:
        made.hec()
        made.put(10)
        yield made


def event(endpoint: str, begin: str, end: str, **other: object) -> bytes:
    """What the trigger would say, or somebody who may call the function."""
    source = {
        "endpoint": endpoint, "projectName": PROJECT, "logstoreName": LOGSTORE, "shardId": 0, "beginCursor": begin,
        "endCursor": end, **other,
    }  # fmt: skip
    return json.dumps({"source": source, "parameter": {}, "jobName": "j", "taskId": "t"}).encode()


def test_the_endpoint_of_an_event_is_never_connected_to(boat: Ferry) -> None:
    """Another endpoint is the name of another logstore, which no task reads; nobody calls there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConfigError, match="is read by no task"):
            calls.forward(boat.call(json.loads(event(endpoint, "a", "b"))))
        with pytest.raises(TimeoutError):
            server.accept()
    assert boat.received("to-hec") == {}


def test_an_event_in_the_name_of_another_logstore_reads_nothing(boat: Ferry) -> None:
    """The right endpoint, a logstore that no task names."""
    with pytest.raises(ConfigError, match="is read by no task"):
        calls.forward(boat.call(json.loads(event(boat.address, "a", "b", logstoreName="payroll"))))
    assert boat.received("to-hec") == {}


@pytest.mark.parametrize("shard", [0, 7])
def test_invented_cursors_skip_nothing(boat: Ferry, shard: int) -> None:
    """An event that claims a range far ahead, or a shard that is not there: the stored position is what counts."""
    ahead = boat.logstore.get_cursor("0", "end")
    try:
        calls.forward(boat.call(json.loads(event(boat.address, ahead, ahead, shardId=shard))))
    except ConfigError:
        assert shard == 7
    boat.until_done()
    assert set(boat.received("to-hec").values()) == {1}
    assert len(boat.received("to-hec")) == 10
    assert boat.verified("to-hec").read == 10
