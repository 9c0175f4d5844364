"""The vendor's LogClient splits, merges and deletes shards, and pulls with a query: prints what came as one JSON line.

Argument: project, with a logstore `waf` of one shard. The store is reached through the environment's `http_proxy`.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest

ENDPOINT = "http://cn-test.log.aliyuncs.com"
HALF = "8" + "0" * 31


def code(call: Callable[..., object], *arguments: object) -> str:
    """The error code of a call that is refused."""
    try:
        call(*arguments)
    except LogException as error:
        return str(error.get_error_code())
    return ""


def main(project: str) -> dict[str, object]:
    """What the operations answer."""
    client = LogClient(ENDPOINT, "test-key", "test-secret", source="127.0.0.1")
    place = (project, "waf")

    def told(answer: Any) -> list[tuple[int, str]]:  # noqa: ANN401  # the SDK's answers have no types
        return [(one["shardID"], one["status"]) for one in answer.get_shards_info()]

    for number in range(4):
        fields = [("n", str(number)), ("status", "403" if number % 2 else "200")]
        item = LogItem(1_700_000_000, time_nano_part=1, contents=fields)
        client.put_logs(PutLogsRequest(*place, "topic", "10.0.0.2", [item]))
    cursor = client.get_begin_cursor(*place, 0).get_cursor()
    pulled = client.pull_logs(*place, 0, cursor, query="* | where status = '403' | project n")
    nothing = client.pull_logs(*place, 0, cursor, query="* | where status = 'x'")
    split = told(client.split_shard(*place, 0, HALF))
    merged = told(client.merge_shard(*place, 1))
    client.delete_shard(*place, 1)
    return {
        "pulled": [log["n"] for log in pulled.get_flatten_logs_json()],
        "counts": [pulled.get_loggroup_count(), pulled.get_raw_log_group_count_before_query()],
        "size before": pulled.get_raw_size_before_query() > pulled.get_raw_size(),
        "nothing": [nothing.get_log_count(), nothing.get_next_cursor() == pulled.get_next_cursor() != cursor],
        "bad query": code(client.pull_logs, *place, 0, cursor, 10, None, None, "* | fields n"),
        "split": split,
        "merged": merged,
        "left": [number for number, _ in told(client.list_shards(*place))],
        "refused": [
            code(client.split_shard, *place, 0, HALF), code(client.merge_shard, *place, 3),
            code(client.split_shard, *place, 3, "x"), code(client.delete_shard, *place, 3),
        ],
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])) + "\n")
