"""The vendor's SDK and command line, unmodified, against the embedded log store, by the way of `http_proxy`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from tests.fakes.sls import KEY_ID, SECRET, Caller, furnished, group

from logferry.vault import Secret
from logferry_local.sls_server import serving

PROGRAMS = Path(__file__).parent / "vendor_sdk"
ALIYUNLOG = Path(sys.executable).with_name("aliyunlog")


def environment(address: str, home: Path) -> dict[str, str]:
    """The vendor's programs reach the store as a proxy, whatever name the endpoint has."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "http_proxy": address, "HOME": str(home), "PYTHONWARNINGS": "ignore"}


def run(command: list[str], address: str, home: Path) -> str:
    """What the program prints; its messages if it fails."""
    done = subprocess.run(
        command, env=environment(address, home), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_log_client(tmp_path: Path, version: str) -> None:
    """Projects, logstores, indexes, puts, pulls, cursors and consumer groups work with both signatures."""
    with serving(tmp_path / "store", {KEY_ID: Secret(SECRET)}) as address:
        printed = run([sys.executable, str(PROGRAMS / "operations.py"), version, "proj-sdk"], address, tmp_path)
    found = json.loads(printed.splitlines()[-1])
    assert found["logs"].pop("age") < 60
    assert found == {
        "description": "made by the SDK",
        "projects": ["proj-sdk"],
        "ttl": 9,
        "logstores": ["waf"],
        "shards": [0, 1],
        "index": [",", " "],
        "logs": {
            "pulled": ["0", "1", "2", "3", "4", "5", "6", "7"],
            "first": {"__time__": 1_700_000_000, "__topic__": "topic", "__source__": "10.0.0.2", "text": "żółw\n"},
            "previous": True,
            "at end": 0,
            "bad cursor": "InvalidCursor",
        },
        "groups": {
            "again": "ConsumerGroupAlreadyExist",
            "listed": ["siem", 60, True],
            "held": [0, 1],
            "saved": [[0, False, "consumer-1"], [1, True, "consumer-1"]],
            "left": 0,
        },
        "no index": "IndexConfigNotExist",
        "no logstore": "LogStoreNotExist",
        "no project": "ProjectNotExist",
    }


def test_command_line(tmp_path: Path) -> None:
    """`aliyunlog` (which has no put) makes, reads and deletes a logstore, and keeps a checkpoint."""
    login = ["--access-id=test-key", "--access-key=test-secret", "--region-endpoint=cn-test.log.aliyuncs.com"]
    place = ["--project_name=proj-cli", "--logstore_name=waf"]
    with serving(tmp_path / "store", {KEY_ID: Secret(SECRET)}) as address:

        def aliyunlog(*arguments: str) -> str:
            return run([str(ALIYUNLOG), "log", *arguments, *login], address, tmp_path)

        aliyunlog("create_project", "--project_name=proj-cli", "--project_des=x")
        aliyunlog("create_logstore", *place, "--shard_count=1")
        caller = Caller(address)
        caller.project = "proj-cli"
        caller.put("waf", group("1", name="n"))
        caller.close()
        cursor = json.loads(aliyunlog("get_cursor", *place, "--shard_id=0", "--start_time=begin"))["cursor"]
        pulled = aliyunlog("pull_logs", *place, "--shard_id=0", f"--cursor={cursor}", "--count=10")
        shards = json.loads(aliyunlog("list_shards", *place))
        named = ["--project=proj-cli", "--logstore=waf", "--consumer_group=siem"]
        aliyunlog("create_consumer_group", *named, "--timeout=30")
        aliyunlog("update_check_point", *named, "--shard=0", f"--check_point={cursor}")
        saved = json.loads(aliyunlog("get_check_point", *named))
        aliyunlog("delete_logstore", *place)
        listed = json.loads(aliyunlog("list_logstore", "--project_name=proj-cli"))
    assert json.loads(pulled)["logs"][0]["n"] == "1"
    assert [shard["shardID"] for shard in shards] == [0]
    assert [one["checkpoint"] for one in saved] == [cursor]
    assert listed["logstores"] == []


class Consumer:
    """One ConsumerWorker in a process of its own, and what it has printed."""

    def __init__(self, name: str, address: str, home: Path, more: Sequence[str] = ()) -> None:
        command = [sys.executable, str(PROGRAMS / "consumer.py"), "project-one", "wide", "siem", name]
        self.process = subprocess.Popen(
            [*command, *more],
            env=environment(address, home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[dict[str, object]] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def logs(self) -> set[str]:
        """The field `n` of every log so far."""
        return {str(line["n"]) for line in self.lines if "n" in line}

    def shards(self) -> set[object]:
        """The shards it holds."""
        held: set[object] = set()
        for line in self.lines:
            held |= {line["took"]} if "took" in line else set()
            held -= {line["gave"]} if "gave" in line else set()
        return held

    def kill(self) -> None:
        """As a crash does."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(json.loads(line))


@contextmanager
def consumer(name: str, address: str, home: Path, *more: str) -> Iterator[Consumer]:
    """A consumer (with an SPL query, and in order, if that is given) that is gone at the end."""
    made = Consumer(name, address, home, more)
    try:
        yield made
    finally:
        made.kill()


def until(what: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait for it; a failure after so many seconds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


def test_consumer_workers_share_and_fail_over(tmp_path: Path) -> None:
    """Two ConsumerWorkers share four shards; when one is killed the other takes its shards, and no log is missed."""
    with ExitStack() as stack:
        address = stack.enter_context(furnished(tmp_path / "store"))
        caller = Caller(address)
        stack.callback(caller.close)
        caller.call("POST", "/logstores", document={"logstoreName": "wide", "shardCount": 4})

        def put(low: int, high: int) -> set[str]:
            for ordinal in range(low, high):
                assert caller.put("wide", group(str(ordinal), name="n")).status == 200
            return {str(ordinal) for ordinal in range(low, high)}

        first = stack.enter_context(consumer("one", address, tmp_path))
        early = put(0, 20)
        until(lambda: first.logs() == early)
        assert first.shards() == {0, 1, 2, 3}

        second = stack.enter_context(consumer("two", address, tmp_path))
        until(lambda: len(first.shards()) == 2 and len(second.shards()) == 2)
        assert first.shards() | second.shards() == {0, 1, 2, 3}
        middle = put(20, 40)
        until(lambda: first.logs() | second.logs() == early | middle)
        assert first.logs() & second.logs() == set()

        first.kill()
        late = put(40, 60)
        until(lambda: second.shards() == {0, 1, 2, 3})
        until(lambda: second.logs() >= late)
        assert first.logs() | second.logs() == early | middle | late
