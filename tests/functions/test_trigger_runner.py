"""Log triggers fire as the platform's do: ranges, intervals, retries, giving up."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.functions.fake_logstore import FakeLogstore

from logferry.errors import ConfigError
from logferry_local.platforms import Result
from logferry_local.trigger_runner import Firing, LogTrigger, TimerTrigger
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

LOG = LogTrigger(
    name="t", function="forward", endpoint="http://127.0.0.1:1", project="p", logstore="l", interval=10, retries=2
)
TIMER = TimerTrigger(name="sweep", function="sweep", cron="@every 5m", payload="all", retries=1)


class Function:
    """Remembers events; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.failures = failures

    def invoke(self, event: bytes, request_id: str) -> Result:
        """Take the event."""
        self.events.append(json.loads(event))
        self.requests.append(request_id)
        self.failures -= 1
        return Result(ok=self.failures < 0, reply=str(len(self.events)))

    def close(self) -> None:
        """Nothing to end."""

    @property
    def ranges(self) -> list[tuple[int, str, str]]:
        """(shard, begin, end) of each call."""
        return [
            (source["shardId"], source["beginCursor"], source["endCursor"])
            for source in (event["source"] for event in self.events)
        ]


class Time:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """Now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, at least a little, so that a loop that never sleeps still ends."""
        self.slept.append(seconds)
        self.now += max(seconds, 0.001)


def runner(
    logstore: FakeLogstore, function: Function, settings: Settings | None = None, trigger: LogTrigger = LOG
) -> TriggerRunner:
    """A runner with one log trigger."""
    return TriggerRunner([trigger], {"forward": function}, lambda _: logstore, settings)


def quick(**options: Any) -> Settings:  # noqa: ANN401  # passed on as they are
    """Settings whose time passes by itself."""
    time = Time()
    return Settings(clock=time.clock, sleep=time.sleep, **options)


def test_each_shard_gets_its_own_half_open_range() -> None:
    """The next range starts where the last one ended, shard by shard."""
    logstore, function = FakeLogstore(shard0=[1, 1], shard1=[1]), Function()
    made = runner(logstore, function, quick(start="begin"))
    made.fire_once()
    logstore.times[0] += [5]
    made.fire_once()
    assert function.ranges == [(0, "0", "2"), (1, "0", "1"), (0, "2", "3")]


def test_no_call_without_new_data() -> None:
    """An idle shard costs nothing."""
    function = Function()
    made = runner(FakeLogstore(shard0=[1]), function, quick(start="begin"))
    assert [len(made.fire_once()) for _ in range(3)] == [1, 0, 0]


def test_a_new_trigger_starts_now_unless_told_otherwise() -> None:
    """What was there before the trigger is not presented."""
    logstore, function = FakeLogstore(shard0=[1, 2]), Function()
    made = runner(logstore, function, quick())
    made.fire_once()
    logstore.times[0] += [3]
    made.fire_once()
    assert function.ranges == [(0, "2", "3")]


def test_a_shard_born_later_starts_at_its_beginning() -> None:
    """A split loses nothing, though the trigger itself started at the end."""
    logstore, function = FakeLogstore(shard0=[1]), Function()
    made = runner(logstore, function, quick())
    made.fire_once()
    logstore.times[1] = [5, 6]
    made.fire_once()
    assert function.ranges == [(1, "0", "2")]


def test_the_event_is_the_platforms() -> None:
    """Names, types and forms of the event are those of the sample event."""
    function = Function()
    runner(FakeLogstore(shard0=[1]), function, quick(start="begin")).fire_once()
    sample = json.loads((Path(__file__).parents[2] / "events/forward/sls_trigger.fc.json").read_text())
    (event,) = function.events
    assert {key: type(value) for key, value in event.items()} == {key: type(value) for key, value in sample.items()}
    assert event["source"].keys() == sample["source"].keys()
    assert len(event["jobName"]) == 40


def test_a_failed_call_is_made_again_with_the_same_event() -> None:
    """A retry differs by its request id only."""
    function = Function(failures=2)
    (firing,) = runner(FakeLogstore(shard0=[1]), function, quick(start="begin")).fire_once()
    assert (firing.ok, firing.attempts) == (True, 3)
    assert function.events[0] == function.events[1] == function.events[2]
    assert len(set(function.requests)) == 3


def test_after_the_retries_the_range_is_given_up_for_good() -> None:
    """The next range follows; the lost one is never presented again."""
    logstore, function = FakeLogstore(shard0=[1]), Function(failures=3)
    made = runner(logstore, function, quick(start="begin"))
    (given_up,) = made.fire_once()
    assert (given_up.ok, given_up.attempts, given_up.begin, given_up.end) == (False, 3, "0", "1")
    logstore.times[0] += [5]
    made.fire_once()
    assert function.ranges == [(0, "0", "1")] * 3 + [(0, "1", "2")]


def test_a_shard_that_is_behind_gets_one_interval_a_call() -> None:
    """A backlog comes in slices of one interval of receive time."""
    function = Function()
    made = runner(FakeLogstore(shard0=[100, 105, 111, 119, 121]), function, quick(start="begin"))
    made.run_until_idle()
    assert function.ranges == [(0, "0", "2"), (0, "2", "4"), (0, "4", "5")]


def test_positions_survive_the_runner(tmp_path: Path) -> None:
    """A new runner goes on where the old one stopped."""
    logstore, path = FakeLogstore(shard0=[1]), tmp_path / "deep/triggers.json"
    first, second = Function(), Function()
    runner(logstore, first, quick(start="begin", positions=Positions(path))).fire_once()
    logstore.times[0] += [4]
    runner(logstore, second, quick(start="begin", positions=Positions(path))).fire_once()
    assert (first.ranges, second.ranges) == ([(0, "0", "1")], [(0, "1", "2")])


def test_a_broken_positions_file_is_told(tmp_path: Path) -> None:
    """The error says what to do; nothing is overwritten."""
    path = tmp_path / "triggers.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match="delete it to start anew"):
        Positions(path)
    assert path.read_text() == "{"


def test_an_unreadable_logstore_is_noted_and_tried_again() -> None:
    """One failed look costs one interval, no more."""
    told: list[str] = []
    logstore, function = FakeLogstore(shard0=[1]), Function()
    made = runner(logstore, function, quick(start="begin", trouble=told.append))
    logstore.broken = True
    assert made.fire_once() == []
    logstore.broken = False
    made.fire_once()
    assert told == ["t: logstore does not answer"]
    assert function.ranges == [(0, "0", "1")]


def test_an_expired_position_goes_on_with_the_oldest_log() -> None:
    """What the logstore no longer keeps cannot be presented; what it keeps still is."""
    logstore, function = FakeLogstore(shard0=[1]), Function()
    made = runner(logstore, function, quick(start="begin"))
    made.fire_once()
    logstore.times[0] += [5, 6, 7]
    logstore.oldest = 3
    made.fire_once()
    assert function.ranges[1:] == [(0, "3", "4")]


def test_run_fires_each_shard_once_an_interval() -> None:
    """New data every second, an interval of ten: four calls in 35 seconds."""
    time, function = Time(), Function()
    logstore = FakeLogstore(shard0=[1000])

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        logstore.times[0].append(int(time.now))

    runner(logstore, function, Settings(clock=time.clock, sleep=sleep, start="begin")).run(seconds=35)
    assert len(function.events) == 4
    assert [begin for _, begin, _ in function.ranges[1:]] == [end for _, _, end in function.ranges[:-1]]


def test_run_calls_a_shard_that_is_behind_every_two_seconds() -> None:
    """Three slices of backlog are done in four seconds, not in thirty."""
    time, function = Time(), Function()
    logstore = FakeLogstore(shard0=[100, 111, 122])
    runner(logstore, function, Settings(clock=time.clock, sleep=time.sleep, start="begin")).run(seconds=5)
    assert len(function.events) == 3


def test_run_fires_timers_at_their_times() -> None:
    """`@every 5m` fires twice in eleven minutes, with the payload verbatim."""
    time, function = Time(), Function()
    TriggerRunner(
        [TIMER], {"sweep": function}, lambda _: FakeLogstore(), Settings(clock=time.clock, sleep=time.sleep)
    ).run(seconds=660)
    assert [(event["triggerName"], event["payload"]) for event in function.events] == [("sweep", "all")] * 2
    assert function.events[0]["triggerTime"] == "1970-01-01T00:21:40Z"


def test_a_timers_call_has_its_own_retries() -> None:
    """An asynchronous call is repeated as often as its configuration says."""
    noted: list[Firing] = []
    function = Function(failures=9)
    made = TriggerRunner([TIMER], {"sweep": function}, lambda _: FakeLogstore(), quick(note=noted.append))
    (firing,) = made.fire_timers()
    assert (firing.ok, firing.attempts) == (False, 2)
    assert noted == [firing]


def test_a_trigger_of_an_unknown_function_is_refused() -> None:
    """It could never fire."""
    with pytest.raises(ConfigError, match="sweep: no function 'sweep'"):
        TriggerRunner([TIMER], {}, lambda _: FakeLogstore())
