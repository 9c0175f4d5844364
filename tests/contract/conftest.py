"""How each state table and object store is made for the contract suites."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.clock import Clock

from logferry import registry, state
from logferry.state import Table, dynamodb


def _dynamodb(_folder: Path, stack: ExitStack) -> str:
    url = f"dynamodb:rows?region=eu-west-1&endpoint={stack.enter_context(aws_server())}"
    place = registry.locate("state", url)
    dynamodb.create_table(place.location, place.options)
    return url


# How each kind of table is made for a test: a new file in `state/` needs its line here.
OPENERS: dict[str, Callable[[Path, ExitStack], str]] = {
    "dynamodb": _dynamodb,
    "memory": lambda _folder, _stack: f"memory:{uuid.uuid4()}",
    "sqlite": lambda folder, _stack: f"sqlite:{folder}/deep/state.db",
}


@pytest.fixture(scope="module", params=registry.names("state"))
def table_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a table of each kind is."""
    if request.param not in OPENERS:
        pytest.fail(
            f"state/{request.param}.py is not under the contract: give it an opener in tests/contract/conftest.py"
        )
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        yield OPENERS[request.param](tmp_path_factory.mktemp("state"), stack)


@pytest.fixture
def clock() -> Clock:
    """A clock at a fixed time."""
    return Clock()


@pytest.fixture
def table(table_url: str, clock: Clock) -> Iterator[Table]:
    """A table of each kind; tests keep apart by their partition."""
    opened = state.open_table(table_url, clock)
    yield opened
    opened.close()


@pytest.fixture
def part() -> str:
    """A partition nobody else uses."""
    return f"task/{uuid.uuid4()}"
