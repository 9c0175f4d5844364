"""Two tasks for one post: only one of them would get it, so the second is refused when it is applied."""

import json
from pathlib import Path

import pytest

from logferry.apply import apply
from logferry.errors import ConfigError
from logferry.sources import Surroundings
from logferry.state import Table, open_table
from logferry.vault import Vault


def put_to_work(table: Table, name: str, **source: object) -> None:
    """A task that is sent its logs."""
    destination = {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}}
    task = {"task": name, "source": {"received": {"path": "/logs", **source}}, "destination": destination}
    apply(json.dumps(task), table, Surroundings({}, Vault({})))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({"keys": ["secret://env/A"]}, {"keys": ["secret://env/B", "secret://env/A"]}, "/logs with secret://env/A"),
        ({"unsigned": True}, {"keys": ["secret://env/A"]}, "or keys for both"),
        ({"keys": ["secret://env/A"]}, {"unsigned": True}, "or keys for both"),
    ],
)
def test_a_second_task_for_the_same_posts_is_refused(
    first: dict[str, object], second: dict[str, object], why: str, tmp_path: Path
) -> None:
    """The line names the other task and what to change."""
    table = open_table(f"memory:{tmp_path}")
    put_to_work(table, "first", **first)
    with pytest.raises(ConfigError, match=f"source.received: task first is there: posts to .*{why}"):
        put_to_work(table, "second", **second)


def test_another_path_or_another_key_is_another_sender(tmp_path: Path) -> None:
    """Neither they nor the same task again are in the way."""
    table = open_table(f"memory:{tmp_path}")
    put_to_work(table, "first", keys=["secret://env/A"])
    put_to_work(table, "first", keys=["secret://env/A", "secret://env/B"])
    put_to_work(table, "second", keys=["secret://env/C"])
    put_to_work(table, "third", keys=["secret://env/A"], path="/other")
