"""A log trigger's view of a real or local logstore, over logferry's own SLS client."""

import time
from collections.abc import Callable, Mapping

from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry_local.trigger_runner import LogTrigger

__all__ = ["SlsCursors", "cursors_of"]

_TIME_OUT = 15.0  # seconds


class SlsCursors:
    """Shards and cursors of one logstore."""

    def __init__(self, logstore: Logstore) -> None:
        self._logstore = logstore

    def shards(self) -> list[int]:
        """The shards as they are now."""
        return sorted(int(shard.name) for shard in self._logstore.list_shards())

    def cursor(self, shard: int, at: str | int) -> str:
        """The cursor of `begin`, `end` or a receive time."""
        return self._logstore.get_cursor(str(shard), str(at))

    def time_of(self, shard: int, cursor: str) -> int:
        """When the log group at the cursor was received."""
        return self._logstore.get_cursor_time(str(shard), cursor)

    def close(self) -> None:
        """Close idle connections."""
        self._logstore.client.close()


def cursors_of(
    environ: Mapping[str, str], clock: Callable[[], float] = time.time
) -> Callable[[LogTrigger], SlsCursors]:
    """A maker of views that sign with the environment's key."""

    def make(trigger: LogTrigger) -> SlsCursors:
        endpoint = Endpoint.parse(trigger.endpoint)
        client = Client(
            endpoint=endpoint, project=trigger.project, keys=EnvironKeys(environ), time_out=_TIME_OUT, clock=clock
        )
        return SlsCursors(Logstore(client, trigger.logstore))

    return make
