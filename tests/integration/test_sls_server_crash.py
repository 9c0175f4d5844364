"""kill -9 of the embedded log store in the midst of puts: what was acknowledged is there after the next start."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from tests.fakes.sls import KEY_ID, SECRET, Caller, group

from logferry.vault import Secret
from logferry_local.sls_server import process

KEYS = {KEY_ID: Secret(SECRET)}
WRITERS = 3


class Writer(threading.Thread):
    """Puts groups of growing numbers until the store is gone; remembers which were acknowledged."""

    def __init__(self, address: str, name: int) -> None:
        super().__init__(daemon=True)
        self._caller, self._name = Caller(address), name
        self.acknowledged: list[str] = []

    def run(self) -> None:
        """At most 2,000 puts."""
        for ordinal in range(2_000):
            text = f"<{self._name}-{ordinal}>"
            try:
                reply = self._caller.put("waf", group(text + "x" * random.Random(ordinal).randrange(20_000)))  # noqa: S311  # any size will do
            except requests.RequestException:
                break
            if reply.status == 200:
                self.acknowledged.append(text)
        self._caller.close()


def stored(address: str) -> bytes:
    """Everything in both shards."""
    caller, found = Caller(address), b""
    for shard in (0, 1):
        at = caller.cursor("waf", shard, "begin")
        for _ in range(1_000):
            reply = caller.pull("waf", shard, at)
            assert reply.status == 200, reply.body
            found, at = found + reply.body, reply.headers["x-log-cursor"]
            if reply.headers["x-log-end-of-cursor"] == "1":
                break
    caller.close()
    return found


@pytest.mark.parametrize(("sync", "seed"), [("always", 1), ("always", 2), ("1s", 3), ("never", 4)])
def test_acknowledged_puts_survive_kill(tmp_path: Path, sync: str, seed: int) -> None:
    """After kill -9 at a random moment and a restart, each acknowledged group is there exactly once."""
    enough = random.Random(seed).randrange(30, 120)  # noqa: S311  # any moment will do
    with process(tmp_path, KEYS, ["--sync", sync]) as running:
        caller = Caller(running.address)
        caller.call("POST", "/", document={"projectName": "project-one"})
        caller.call("POST", "/logstores", document={"logstoreName": "waf", "shardCount": 2})
        caller.close()
        writers = [Writer(running.address, name) for name in range(WRITERS)]
        for writer in writers:
            writer.start()
        while sum(len(writer.acknowledged) for writer in writers) < enough:
            assert any(writer.is_alive() for writer in writers)
            time.sleep(0.001)
        os.kill(running.pid, signal.SIGKILL)
        for writer in writers:
            writer.join(30)
    acknowledged = [text.encode() for writer in writers for text in writer.acknowledged]
    with process(tmp_path, KEYS, ["--sync", sync]) as running:
        found = stored(running.address)
    assert len(acknowledged) >= enough
    assert [found.count(text) for text in acknowledged] == [1] * len(acknowledged)


def test_second_store_on_a_folder_is_refused(tmp_path: Path) -> None:
    """Two stores on one folder would destroy it: the second stops at once and says why."""
    with process(tmp_path, KEYS):
        command = [sys.executable, "-c", "from logferry_local.cli import main; main()"]
        command += ["sls", "serve", "--port", "0", "--data", str(tmp_path), "--access-key", "a:b"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "another log store is running on this folder" in done.stderr


def test_sigterm_ends_in_order(tmp_path: Path) -> None:
    """SIGTERM: exit code 0, and the next start goes on without a jump of the numbers."""
    command = [sys.executable, "-c", "from logferry_local.cli import main; main()"]
    command += ["sls", "serve", "--port", "0", "--data", str(tmp_path), "--access-key", f"{KEY_ID}:{SECRET}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        caller = Caller(json.loads(child.stdout.readline())["address"])
        caller.call("POST", "/", document={"projectName": "project-one"})
        caller.call("POST", "/logstores", document={"logstoreName": "waf", "shardCount": 1})
        caller.put("waf", group("kept"))
        end = caller.cursor("waf", 0, "end")
        caller.close()
        child.terminate()
        assert child.wait(30) == 0
    with process(tmp_path, KEYS) as running:
        caller = Caller(running.address)
        assert caller.cursor("waf", 0, "end") == end
        caller.close()
