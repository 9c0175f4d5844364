"""What the cells of one process share: an embedded log store, one that forgets soon, and an authority."""

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from tests.fakes.certificates import Authority
from tests.fakes.ferry import PROJECT, Ferry

from faults.cells import adapter, names
from logferry.sls.client import Client, web
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry.sls.projects import create_logstore, create_project
from logferry.vault import Secret
from logferry_local.sls_server.running import process, serving

__all__ = ["Harbour"]

SHORT = "1500ms"  # how long the forgetful log store keeps anything
_KEYS = {"test-id": Secret("test-key")}


class Harbour:
    """Closed by the stack that it is given."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self._numbers = itertools.count(1)
        self._clients: dict[str, Client] = {}
        self.environ = {"SLS_AK_ID": "test-id", "SLS_AK_KEY": "test-key"}
        for name in names():
            self.environ |= adapter(name).ENVIRON

    @cached_property
    def authority(self) -> Authority:
        """Whose certificates the tasks trust."""
        return Authority(self.folder / "authority")

    @cached_property
    def stranger(self) -> Authority:
        """Whose they do not."""
        return Authority(self.folder / "stranger", name="somebody else")

    @contextmanager
    def ferry(self, *, forgetful: bool = False) -> Iterator[Ferry]:
        """A new logstore with one shard, and empty state. A save after each batch."""
        number = next(self._numbers)
        folder = self.folder / f"cell-{number}"
        folder.mkdir()
        address = self._forgetful if forgetful else self._store
        environ = self.environ | {
            "LOGFERRY_STATE": f"sqlite:{folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{folder}/objects",
            "LOGFERRY_LEASE_SECONDS": "1", "LOGFERRY_SAVE_BYTES": "1", "PATH": os.environ["PATH"],
        }  # fmt: skip
        client = self._client(address)
        create_logstore(client, f"cell-{number}", shards=1)
        with ExitStack() as stack:
            yield Ferry(folder, address, Logstore(client, f"cell-{number}"), environ, stack)

    @cached_property
    def _store(self) -> str:
        return self._stack.enter_context(serving(self.folder / "sls", _KEYS))

    @cached_property
    def _forgetful(self) -> str:
        return self._stack.enter_context(process(self.folder / "forgetful", _KEYS, ["--ttl", SHORT])).address

    def _client(self, address: str) -> Client:
        if address not in self._clients:
            keys = EnvironKeys(self.environ)
            client = Client(endpoint=Endpoint.parse(address), project=PROJECT, keys=keys, web=web())
            self._stack.callback(client.close)
            create_project(client)
            self._clients[address] = client
        return self._clients[address]
