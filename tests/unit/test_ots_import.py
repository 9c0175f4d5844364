"""Tablestore's SDK without what it imports and never uses, as it lies in our layer."""

import subprocess
import sys

_SCRIPT = """
import sys, threading

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in ("aiohttp", "crc32c") else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from logferry.state._ots_client import OtsClient, Spot

clients = [OtsClient(Spot("i", "t", "http://127.0.0.1:1", None), None, sleep=None, chance=None) for _ in range(6)]
together, found = threading.Barrier(6), []

def use(client):
    together.wait()
    found.append(client.sdk.OTSClient)

threads = [threading.Thread(target=use, args=(client,)) for client in clients]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(found), len(set(found)), "aiohttp" in sys.modules)
"""


def test_several_tables_import_it_at_once() -> None:
    """Each has the same SDK, and nothing of what stood in for the missing modules stays."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["6", "1", "False"], "")
