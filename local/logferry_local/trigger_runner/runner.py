"""The loop: looks for new data, calls functions, repeats failed calls, gives up, goes on.

Shards are called one after the other (the platform calls them at once). A shard that is behind is called every two
seconds, the others every interval; a folder is looked at each second. Only reading a logstore or a folder may fail:
that is noted and tried at the next interval.
"""

import json
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from logferry.errors import ConfigError, SourceError
from logferry_local.platforms import Runner
from logferry_local.trigger_runner import Cursors, Firing, LogTrigger, PutTrigger, TimerTrigger, Trigger, schedule
from logferry_local.trigger_runner.messages import Message, log_message, put_message, timer_message
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.puts import Puts
from logferry_local.trigger_runner.ranges import Range, Ranges, Start

__all__ = ["Settings", "TriggerRunner"]

_CATCH_UP = 2.0  # seconds between calls of a shard that is behind
_RETRY_WAIT = 1.0  # seconds; the platform does not say how long it waits
_FOLDER_LOOK = 1.0  # seconds between looks at a folder


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a runner runs: where it remembers, where a trigger starts, its clock, and who is told."""

    positions: Positions = field(default_factory=lambda: Positions(None))
    start: Start = "end"
    folders: Mapping[str, Path] = field(default_factory=dict)  # what passes for which bucket
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    note: Callable[[Firing], None] = lambda _: None  # told of every firing
    trouble: Callable[[str], None] = lambda _: None  # told of a logstore or folder that cannot be read


class TriggerRunner:
    """Triggers and the functions they call."""

    def __init__(
        self,
        triggers: Sequence[Trigger],
        functions: Mapping[str, Runner],
        cursors: Callable[[LogTrigger], Cursors],
        settings: Settings | None = None,
    ) -> None:
        unknown = [found for found in triggers if found.function not in functions]
        if unknown:
            raise ConfigError(
                [f"{found.name}: no function {found.function!r}" for found in unknown], subject="triggers"
            )
        self._settings = use = settings or Settings()
        self._logs = [
            (found, Ranges(found, cursors(found), use.positions, use.start))
            for found in triggers
            if isinstance(found, LogTrigger)
        ]
        self._puts = [
            (found, Puts(found, use.folders[found.bucket], use.positions, use.start))
            for found in triggers
            if isinstance(found, PutTrigger) and found.bucket in use.folders
        ]
        self._timers = [(found, schedule.after(found.cron)) for found in triggers if isinstance(found, TimerTrigger)]
        self._functions, self._clock = functions, use.clock
        self._due: dict[tuple[str, int], float] = {}

    def fire_once(self) -> list[Firing]:
        """Each object that was put is told, and each shard with new data once, for one range, whatever its interval."""
        fired = [firing for trigger, puts in self._puts for firing in self._look_for_puts(trigger, puts)]
        return fired + [firing for trigger, ranges in self._logs for firing in self._look(trigger, ranges, early=True)]

    def fire_timers(self) -> list[Firing]:
        """Each timer fires once, now."""
        return [self._tick(trigger, self._clock()) for trigger, _ in self._timers]

    def run_until_idle(self, *, rounds: int = 10_000) -> list[Firing]:
        """Fire for objects and logs without waiting until there is nothing new."""
        fired: list[Firing] = []
        for _ in range(rounds):
            found = self.fire_once()
            if not found:
                break
            fired += found
        return fired

    def run(self, *, seconds: float = math.inf) -> None:
        """Fire everything at its time, for that long."""
        now = self._clock()
        end = now + seconds
        looks, puts_look = dict.fromkeys(range(len(self._logs)), now), now if self._puts else math.inf
        ticks = {index: following(now) for index, (_, following) in enumerate(self._timers)}
        while (looks or ticks or self._puts) and (now := self._clock()) < end:
            if puts_look <= now:
                for put_trigger, puts in self._puts:
                    self._look_for_puts(put_trigger, puts)
                puts_look = now + _FOLDER_LOOK
            for index, (trigger, ranges) in enumerate(self._logs):
                if looks[index] <= now:
                    self._look(trigger, ranges)
                    looks[index] = self._next_look(trigger, now)
            for index, (timer, following) in enumerate(self._timers):
                if ticks[index] <= now:
                    self._tick(timer, ticks[index])
                    ticks[index] = following(max(now, ticks[index]))
            following_event = min([end, puts_look, *looks.values(), *ticks.values()])
            self._settings.sleep(max(0.0, min(following_event - self._clock(), 1.0)))

    def close(self) -> None:
        """End the functions' processes and the connections."""
        for function in self._functions.values():
            function.close()
        for _, ranges in self._logs:
            ranges.close()

    def _next_look(self, trigger: LogTrigger, now: float) -> float:
        dues = [due for (name, _), due in self._due.items() if name == trigger.name]
        return min([now + trigger.interval, *(due for due in dues if due > now)])

    def _look(self, trigger: LogTrigger, ranges: Ranges, *, early: bool = False) -> list[Firing]:
        """Call for each shard that is due (`early`: for each shard) and has new data."""
        fired, now = [], self._clock()
        try:
            for shard in ranges.shards():
                key = (trigger.name, shard)
                if self._due.get(key, 0) > now and not early:
                    continue
                found = ranges.next(shard)
                self._due[key] = now + (_CATCH_UP if found and found.more else trigger.interval)
                if found is not None:
                    fired.append(self._call(trigger, found))
                    ranges.passed(found)
                    self._settings.note(fired[-1])
        except SourceError as error:
            self._settings.trouble(f"{trigger.name}: {error}")
        return fired

    def _look_for_puts(self, trigger: PutTrigger, puts: Puts) -> list[Firing]:
        """Call for each object that was put; once each, whatever came of it."""
        fired: list[Firing] = []
        try:
            for seen in puts.next():
                fired.append(self._invoke(trigger, put_message(trigger, seen, self._clock()))._replace(key=seen.key))
                puts.passed(seen)
                self._settings.note(fired[-1])
        except SourceError as error:
            self._settings.trouble(f"{trigger.name}: {error}")
        return fired

    def _call(self, trigger: LogTrigger, found: Range) -> Firing:
        firing = self._invoke(trigger, log_message(trigger, found, self._clock()))
        return firing._replace(shard=found.shard, begin=found.begin, end=found.end)

    def _tick(self, trigger: TimerTrigger, at: float) -> Firing:
        firing = self._invoke(trigger, timer_message(trigger, at))
        self._settings.note(firing)
        return firing

    def _invoke(self, trigger: Trigger, message: Message) -> Firing:
        """Call, and call again after a failure, the same event each time."""
        event, call = message
        body = json.dumps(event).encode()
        for attempt in range(1, trigger.retries + 2):
            result = self._functions[trigger.function].invoke(body, str(uuid.uuid5(call, str(attempt))))
            if result.ok or attempt > trigger.retries:
                break
            self._settings.sleep(_RETRY_WAIT)
        return Firing(trigger.name, trigger.function, result.ok, attempt, result.reply)
