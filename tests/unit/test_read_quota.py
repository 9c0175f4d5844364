"""The warning before a logstore is read by more tasks than its quota can feed."""

from logferry import task
from logferry.read_quota import warnings
from logferry.task import Task


def make(name: str, **source: object) -> Task:
    """A task on the logstore `p-1/waf`, unless the options of the source say otherwise."""
    options = {"endpoint": "http://127.0.0.1:1", "project": "p-1", "logstore": "waf", **source}
    destination = {"syslog_server": {"host": "127.0.0.1", "port": 514}}
    return task.load({"task": name, "source": {"sls": options}, "destination": destination})


def separate(count: int, **source: object) -> list[Task]:
    """Tasks that each pull for themselves: their queries differ."""
    return [make(f"t-{number}", query=f"* | where a = '{number}'", **source) for number in range(count)]


def test_as_many_readers_as_the_quota_feeds_are_fine() -> None:
    """Four readers of a full shard need exactly what it gives."""
    assert warnings(separate(4)) == []


def test_one_reader_too_many_is_told_with_numbers_and_names() -> None:
    """The line names the logstore, the tasks, what they need, what there is, and what to do."""
    (line,) = warnings(separate(5))
    assert line == (
        "logstore p-1/waf: 5 separate readers (t-0, t-1, t-2, t-3, t-4) at 5 MB/s each, as much as a shard takes, "
        "read 25 MB/s a shard, more than its 20 MB/s: give tasks the same endpoint and query, so that they share one "
        "pull, or split the shards"
    )


def test_tasks_that_share_their_pulls_are_one_reader() -> None:
    """Twenty tasks without a query cost the quota what one does."""
    assert warnings([make(f"t-{number}") for number in range(20)]) == []


def test_logstores_are_counted_apart() -> None:
    """The quota is a logstore's own."""
    assert warnings(separate(4) + separate(4, logstore="other")) == []


def test_small_pulls_meet_the_quota_of_calls() -> None:
    """A pull of few groups has to be repeated more often than a shard allows."""
    (line,) = warnings([make("t", max_groups=4)])
    assert "1 separate reader (t) may need 125 reads/s a shard, more than its 100: raise max_groups" in line
    assert warnings([make("t", max_groups=5)]) == []


def test_a_measured_inflow_counts_instead_of_the_most() -> None:
    """A quiet logstore feeds many readers; a raised write quota overfeeds few."""
    many = separate(30)
    assert warnings(many, {"p-1/waf": 2}, {"p-1/waf": 1.2}) == []
    (line,) = warnings(separate(3), {"p-1/waf": 2}, {"p-1/waf": 15})
    assert "3 separate readers (t-0, t-1, t-2) at 7.5 MB/s each, as much as was measured, read 22.5 MB/s" in line


def test_reads_of_a_project_are_summed_over_its_shards() -> None:
    """Shards and logstores of one project together meet the project's quota."""
    tasks = separate(1, max_groups=10) + separate(1, max_groups=10, logstore="other")
    assert warnings(tasks, {"p-1/waf": 100, "p-1/other": 100}) == []
    (line,) = warnings(tasks, {"p-1/waf": 150, "p-1/other": 100})
    assert line.startswith("project p-1: its tasks may need 12500 reads/s together, more than the 10000 ")


def test_nothing_to_run_is_nothing_to_warn_of() -> None:
    """Without tasks there is no line."""
    assert warnings([], {"p-1/waf": 4}) == []
