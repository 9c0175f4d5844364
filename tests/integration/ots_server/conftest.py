"""One server for each file of tests, and the SDK."""

from collections.abc import Iterator

import pytest
from tests.fakes.ots import Running, ots_server
from tests.fakes.ots_sdk import Client, Sdk, connect, create

from logferry_local.ots_server import messages as _quietly_imported  # noqa: F401  # the SDK warns at its first import


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server of its own."""
    with ots_server() as running:
        yield running


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    """The vendor's package."""
    import tablestore

    return tablestore


@pytest.fixture
def client(sdk: Sdk, server: Running) -> Iterator[Client]:
    """A client whose requests are signed by version 2."""
    made = connect(sdk, server)
    yield made
    made.connection.pool.clear()


@pytest.fixture
def table(sdk: Sdk, client: Client) -> str:
    """A table with a text and an integer key."""
    return create(sdk, client)
