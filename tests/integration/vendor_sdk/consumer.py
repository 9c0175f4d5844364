"""The vendor's ConsumerWorker: prints each log's field `n` and its shard as a JSON line, until it is killed.

Arguments: project, logstore, group, consumer, and (or nothing) an SPL query, and `ordered`. The store is reached
through the environment's `http_proxy`.
"""

import json
import logging
import sys

from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, CursorPosition, LogHubConfig

ENDPOINT = "http://cn-test.log.aliyuncs.com"


class Printer(ConsumerProcessorBase):
    """Prints, then saves its position at once."""

    shard_id = -1

    def initialize(self, shard: int) -> None:
        """Tell which shard was taken."""
        self.shard_id = shard
        tell({"took": shard})

    def process(self, log_groups: object, check_point_tracker: object) -> None:
        """One fetched batch."""
        for group in log_groups.LogGroups:  # type: ignore[attr-defined]  # a LogGroupList
            for log in group.Logs:
                tell({"shard": self.shard_id, "n": {pair.Key: pair.Value for pair in log.Contents}["n"]})
        check_point_tracker.save_check_point(True)  # type: ignore[attr-defined]  # noqa: FBT003  # the SDK's signature

    def shutdown(self, check_point_tracker: object) -> None:
        """Tell which shard was given up."""
        check_point_tracker.save_check_point(True)  # type: ignore[attr-defined]  # noqa: FBT003  # the SDK's signature
        tell({"gave": self.shard_id})


def tell(line: dict[str, object]) -> None:
    """Print at once, a line as one write."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    project, logstore, group, consumer, *more = sys.argv[1:]
    options = LogHubConfig(
        ENDPOINT, "test-key", "test-secret", project, logstore, group, consumer,
        cursor_position=CursorPosition.BEGIN_CURSOR, heartbeat_interval=1, data_fetch_interval=1,
        query=more[0] if more else None, in_order="ordered" in more[1:],
    )  # fmt: skip
    ConsumerWorker(Printer, options).start(join=True)
