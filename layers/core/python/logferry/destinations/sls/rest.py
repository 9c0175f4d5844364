"""What a log group says beside its logs: topic, source, tags; and how logferry knows its own deliveries again.

With `loop_guard` each group carries the tag `__logferry__`, and no task of logferry ever reads it. Without, it may be
read and delivered on, so it carries `__logferry_via__`: the logstores that it was delivered to, oldest first. What
would come to one of them a second time is Permanent: records that go round are parked, and soon the task is held.
"""

from logferry.destinations.sls.options import Config
from logferry.errors import Permanent
from logferry.sls.codec import OWN_TAG
from logferry.sls.write import encode_log_group

__all__ = ["VIA_TAG", "Rest"]

VIA_TAG = "__logferry_via__"


class Rest:
    """Fixed marks where the options have them, else the record's own."""

    def __init__(self, options: Config, task: str) -> None:
        self._topic, self._source, self._tags = options.topic, options.source, options.tags
        self._here = f"{options.project}/{options.logstore}"
        self._guard = task if options.loop_guard else ""

    def __call__(self, topic: str, source: str, tags: dict[str, str]) -> bytes:
        """The rest of a group."""
        kept = {name: value for name, value in tags.items() if name not in (OWN_TAG, VIA_TAG)} | self._tags
        kept |= {OWN_TAG: self._guard} if self._guard else {VIA_TAG: self._way(tags.get(VIA_TAG, ""))}
        topic = topic if self._topic is None else self._topic
        source = source if self._source is None else self._source
        return encode_log_group([], topic=topic, source=source, tags=kept)

    def _way(self, so_far: str) -> str:
        passed = so_far.split(",") if so_far else []
        if self._here in passed:
            raise Permanent(
                f"a loop: this record was delivered to {self._here} before (by way of {so_far[:200]}); "
                "set loop_guard: true, or end one of the tasks"
            )
        return ",".join([*passed, self._here])
