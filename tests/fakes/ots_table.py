"""A state table in Tablestore's protocol, behind a proxy that makes faults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from tests.fakes.fault_proxy import Answer, FaultProxy, fault_proxy
from tests.fakes.ots import ENVIRON, KEY_ID, SECRET, ots_server

from logferry.state import tablestore
from logferry.state._ots_client import Key, OtsClient
from logferry.state._ots_rows import spot_of
from logferry.vault import Secret
from logferry_local.ots_server.messages import messages

__all__ = ["client", "error", "faulty_table"]


def error(code: str, status: int, text: str = "no") -> Answer:
    """A refusal as the service answers it."""
    return Answer(status, messages.Error(code=code, message=text).SerializeToString())


def client(proxy: FaultProxy) -> OtsClient:
    """The table's client by itself."""
    spot = spot_of("instance/rows", {"endpoint": proxy.url})
    return OtsClient(spot, lambda: Key(KEY_ID, Secret(SECRET)), sleep=lambda _: None, chance=lambda: 0.0)


@contextmanager
def faulty_table(keys: Mapping[str, str] | None = None) -> Iterator[FaultProxy]:
    """The table `instance/rows` on a server with these keys, and in the environment the first of them."""
    with ots_server(keys=keys) as server, fault_proxy(server.address) as made, pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        tablestore.create_table("instance/rows", {"endpoint": server.address})
        yield made
