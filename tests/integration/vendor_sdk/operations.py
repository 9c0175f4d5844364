"""The vendor's LogClient through its basic operations; prints what it got as one JSON object.

Arguments: signature version (v1, v4), project. The store is reached through the environment's `http_proxy`.
"""

# mypy: allow-untyped-calls
# (half of the SDK's methods carry no types)

import json
import sys
import time
from collections.abc import Callable

from aliyun.log import IndexConfig, IndexLineConfig, LogClient, LogException, LogItem, PutLogsRequest

ENDPOINT = "http://cn-test.log.aliyuncs.com"
STORE = "waf"


def main(version: str, project: str) -> dict[str, object]:
    """Every step's result."""
    client = LogClient(ENDPOINT, "test-key", "test-secret", source="10.0.0.1", auth_version=version, region="cn-test")
    client.create_project(project, "made by the SDK")
    client.create_logstore(project, STORE, ttl=7, shard_count=2)
    client.update_logstore(project, STORE, ttl=9)
    client.create_index(project, STORE, IndexConfig(line_config=IndexLineConfig([",", " "])))
    found: dict[str, object] = {
        "description": client.get_project(project).get_description(),
        "projects": [one["projectName"] for one in client.list_project().get_projects()],
        "ttl": client.get_logstore(project, STORE).get_ttl(),
        "logstores": client.list_logstore(project).get_logstores(),
        "shards": [shard["shardID"] for shard in client.list_shards(project, STORE).get_shards_info()],
        "index": client.get_index_config(project, STORE).get_index_config().to_json()["line"]["token"],
        "logs": logs(client, project),
        "groups": groups(client, project),
    }
    client.delete_index(project, STORE)
    found["no index"] = code(lambda: client.get_index_config(project, STORE))
    client.delete_logstore(project, STORE)
    found["no logstore"] = code(lambda: client.get_logstore(project, STORE))
    client.delete_project(project)
    found["no project"] = code(lambda: client.get_project(project))
    return found


def logs(client: LogClient, project: str) -> dict[str, object]:
    """Puts (lz4 and plain, round the shards and by key) and pulls (lz4 and plain)."""
    for ordinal in range(8):
        item = LogItem(1_700_000_000, time_nano_part=1, contents=[("n", str(ordinal)), ("text", "żółw\n")])
        key = "f" * 32 if ordinal >= 6 else None
        client.put_logs(
            PutLogsRequest(project, STORE, "topic", "10.0.0.2", [item], hashKey=key, compress=ordinal % 2 == 0)
        )
    pulled = []
    for shard in (0, 1):
        begin = client.get_begin_cursor(project, STORE, shard).get_cursor()
        for reply in client.pull_log(project, STORE, shard, "begin", "end", batch_size=2, compress=shard == 0):
            pulled += [log["n"] for log in reply.get_flatten_logs_json()]
    first = client.pull_logs(project, STORE, 0, begin, 1).get_flatten_logs_json()[0]
    until = client.get_end_cursor(project, STORE, 0).get_cursor()
    return {
        "pulled": sorted(pulled),
        "first": {name: first[name] for name in ("__time__", "__topic__", "__source__", "text")},
        "age": time.time() - client.get_cursor_time(project, STORE, 0, begin).get_cursor_time(),
        "previous": client.get_previous_cursor_time(project, STORE, 0, begin).get_cursor_time() > 0,
        "at end": client.pull_logs(project, STORE, 0, until, 10).get_loggroup_count(),
        "bad cursor": code(lambda: client.pull_logs(project, STORE, 0, "MTI=", 10)),
    }


def groups(client: LogClient, project: str) -> dict[str, object]:
    """Consumer group calls, one by one."""
    client.create_consumer_group(project, STORE, "siem", 30, in_order=True)
    again = code(lambda: client.create_consumer_group(project, STORE, "siem", 30))
    client.update_consumer_group(project, STORE, "siem", timeout=60)
    (listed,) = client.list_consumer_group(project, STORE).get_consumer_groups()
    held = client.heart_beat(project, STORE, "siem", "consumer-1", []).get_shards()
    cursor = client.get_end_cursor(project, STORE, 1).get_cursor()
    client.update_check_point(project, STORE, "siem", 1, cursor, "consumer-1")
    saved = client.get_check_point(project, STORE, "siem").get_consumer_group_check_points()
    client.delete_consumer_group(project, STORE, "siem")
    return {
        "again": again,
        "listed": [listed.get_consumer_group_name(), listed.get_timeout(), listed.is_in_order()],
        "held": held,
        "saved": [[one["shard"], one["checkpoint"] == cursor, one["consumer"]] for one in saved],
        "left": client.list_consumer_group(project, STORE).get_count(),
    }


def code(act: Callable[[], object]) -> str:
    """The error code that comes of it."""
    try:
        act()
    except LogException as error:
        return str(error.get_error_code())
    return "none"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
