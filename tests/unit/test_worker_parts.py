"""The worker's parts alone: the roster, the heartbeat's hold, the copies on the server, what a command line names."""

import logging
from pathlib import Path
from typing import Any

import pytest

from logferry.errors import ConfigError, Misconfigured
from logferry.sls.consumer_group import Checkpoint
from logferry.state.memory import open_table
from logferry_local.worker.checkpoints import Copy, refuse_strangers
from logferry_local.worker.complaints import Complaints
from logferry_local.worker.enlisting import enlist, groups, read
from logferry_local.worker.membership import Membership
from logferry_local.worker.policy import policy
from logferry_local.worker.roster import Badge, Roster

TASK = """
task: {name}
source: {{sls: {{endpoint: "http://127.0.0.1:1", project: proj-a, logstore: waf}}}}
destination: {{syslog_server: {{host: h}}}}
"""


class Group:
    """A consumer group as the service has it."""

    name = "g"

    def __init__(self, *saved: Checkpoint) -> None:
        self.saved = list(saved)
        self.to_hold = ["0", "1"]

    def checkpoints(self) -> list[Checkpoint]:
        """All of them."""
        return self.saved

    def save(self, shard: str, cursor: str, consumer: str = "") -> None:
        """Keep one."""
        self.saved.append(Checkpoint(shard, cursor, 0, consumer))

    def heartbeat(self, consumer: str, shards: list[str]) -> list[str]:
        """What to hold."""
        del consumer, shards
        return self.to_hold


class Now:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        """The time that was set."""
        return self.at


def test_a_live_name_is_refused_and_a_silent_one_taken_over() -> None:
    """Within the time-out it is in use; a worker of another host cannot be asked whether it lives."""
    table, now = open_table("roster-live", {}, Now()), Now()
    roster = Roster(table, "g", now)
    roster.enter(Badge("a", "n1"), 40)
    roster.enter(Badge("a", "n1"), 40)
    with pytest.raises(Misconfigured, match="consumer 'a' of group g is in use by process"):
        roster.enter(Badge("a", "n2"), 40)
    now.at += 41
    roster.enter(Badge("a", "n2"), 40)
    assert roster.names() == {"a"}


def test_a_name_that_was_given_back_is_free_and_still_known() -> None:
    """Its checkpoints on the server are no stranger's."""
    roster = Roster(open_table("roster-left", {}, Now()), "g", Now())
    roster.enter(Badge("a", "n1"), 40)
    roster.leave(Badge("a", "n1"))
    assert roster.names() == {"a"}
    roster.enter(Badge("a", "n2"), 40)
    roster.leave(Badge("a", "n1"))  # not its own any more
    with pytest.raises(Misconfigured):
        roster.enter(Badge("a", "n3"), 40)


def test_shards_are_held_until_the_service_would_give_them_away() -> None:
    """Two heartbeats after the last one that was answered, whatever the worker itself believes."""
    now = Now()
    one = Membership(Group(), "a", 20, now)  # type: ignore[arg-type]  # as much of it as is asked
    assert (one.held, one.time_out) == (frozenset(), 40)
    one.beat([])
    now.at += 39.9
    assert one.held == {"0", "1"}
    now.at += 0.2
    assert one.held == frozenset()


@pytest.mark.parametrize(
    ("saved", "is_strange"),
    [
        (Checkpoint("0", "MQ==", 999_990_000_000, "b"), True),
        (Checkpoint("0", "MQ==", 999_990_000_000, "a"), False),
        (Checkpoint("0", "MQ==", 999_000_000_000, "b"), False),
        (Checkpoint("0", "MQ==", 999_990_000_000, ""), False),
        (Checkpoint("0", "", 999_990_000_000, "b"), False),
    ],
)
def test_a_stranger_is_who_saved_lately_under_an_unknown_name(saved: Checkpoint, *, is_strange: bool) -> None:
    """Neither one of ours, nor one that stopped long ago, nor a checkpoint that nobody owns."""
    group = Group(saved)
    if is_strange:
        with pytest.raises(Misconfigured, match="'b', which this state table does not know, saved shard 0 10 s ago"):
            refuse_strangers(group, {"a"}, 1_000_000)  # type: ignore[arg-type]  # as above
    else:
        refuse_strangers(group, {"a"}, 1_000_000)  # type: ignore[arg-type]  # as above


def test_a_copy_is_written_when_it_is_new_and_each_minute() -> None:
    """So that others see who is alive, without a request for each look."""
    group, now = Group(), Now()
    copy = Copy(group, "0", "a", now)  # type: ignore[arg-type]  # as above
    for position, wait in (("MQ==", 1), ("MQ==", 1), ("Mg==", 1), ("Mg==", 60), ("Mg==", 0)):
        copy.write(position)
        now.at += wait
    assert [saved.cursor for saved in group.saved] == ["MQ==", "Mg==", "Mg=="]


def test_the_same_trouble_is_told_once_in_five_minutes(caplog: pytest.LogCaptureFixture) -> None:
    """Another one at once, and the same again after it was over."""
    now = Now()
    complaints = Complaints(logging.getLogger("logferry.worker"), {"task": "t"}, now)
    with caplog.at_level(logging.WARNING, "logferry"):
        for trouble in ("down", "down", "refused", "down"):
            complaints.say("delayed", trouble)
        now.at += 301
        complaints.say("delayed", "down")
        complaints.over()
        complaints.say("delayed", "down")
    assert [record.reason for record in caplog.records] == ["down", "refused", "down", "down", "down"]  # type: ignore[attr-defined]  # ours


def test_each_task_has_a_group_of_its_own(tmp_path: Path) -> None:
    """A group keeps one checkpoint a shard; one name for several tasks is refused."""
    found = []
    for name in ("a", "b"):
        file = tmp_path / f"{name}.yaml"
        file.write_text(TASK.format(name=name))
        found.append(read(file, {}))
    assert groups(found, "", "SLS_CG") == {"a": "logferry-a", "b": "logferry-b"}
    assert groups(found[:1], "mine", "SLS_CG") == {"a": "mine"}
    with pytest.raises(ConfigError, match="SLS_CG: 'mine' names one group, but 2 tasks run"):
        groups(found, "mine", "SLS_CG")


def test_a_dry_look_applies_nothing(tmp_path: Path) -> None:
    """`--print-policy` needs neither a log store nor a write."""
    file, table = tmp_path / "a.yaml", open_table("dry", {}, Now())
    file.write_text(TASK.format(name="a"))
    [task] = enlist([str(file)], table, {}, dry=True)
    assert (task.task, list(table.list("tasks"))) == ("a", [])


def test_the_policy_names_this_logstore_and_its_groups_only(tmp_path: Path) -> None:
    """Reading, cursors, shards, retention; the group's own actions; nothing that writes logs."""
    file = tmp_path / "a.yaml"
    file.write_text(TASK.format(name="a"))
    made: Any = policy([read(file, {})], {"a": "logferry-a"})
    reading, group = made["Statement"]
    store = "acs:log:*:*:project/proj-a/logstore/waf"
    assert reading["Resource"] == [store, f"{store}/*"]
    assert group["Resource"] == [f"{store}/consumergroup/logferry-a"]
    assert "log:PostLogStoreLogs" not in [*reading["Action"], *group["Action"]]
