"""How each state table and object store is made for the contract suites."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.clock import Clock
from tests.fakes.dynamodb_local import dynamodb_local
from tests.fakes.ots import ENVIRON as OTS_ENVIRON
from tests.fakes.ots import ots_server

from logferry import objects, registry, state
from logferry.objects import Streams
from logferry.state import Table, dynamodb, tablestore

Opener = Callable[[Path, ExitStack], str]


def _dynamodb(_folder: Path, stack: ExitStack) -> str:
    return _made(stack.enter_context(aws_server()))


def _made(endpoint: str) -> str:
    url = f"dynamodb:rows?region=eu-west-1&endpoint={endpoint}"
    place = registry.locate("state", url)
    dynamodb.create_table(place.location, place.options)
    return url


def _tablestore(_folder: Path, stack: ExitStack) -> str:
    url = f"tablestore:instance/rows?region=cn-hangzhou&endpoint={stack.enter_context(ots_server()).address}"
    place = registry.locate("state", url)
    tablestore.create_table(place.location, place.options)
    return url


# How each kind is made for a test: a new file in `state/` or `objects/` needs its line here.
TABLE_OPENERS: dict[str, Opener] = {
    "dynamodb": _dynamodb,
    "dynamodb-local": lambda _folder, stack: _made(stack.enter_context(dynamodb_local())),
    "memory": lambda _folder, _stack: f"memory:{uuid.uuid4()}",
    "sqlite": lambda folder, _stack: f"sqlite:{folder}/deep/state.db",
    "tablestore": _tablestore,
}


def _s3(_folder: Path, stack: ExitStack) -> str:
    endpoint = stack.enter_context(aws_server())
    requests.put(f"{endpoint}/bucket", timeout=10).raise_for_status()
    return f"s3:bucket/deep/prefix?region=us-east-1&endpoint={endpoint}"


def _oss(folder: Path, stack: ExitStack) -> str:
    """A server that is a number takes the bucket in the path; the protocol is the same."""
    return _s3(folder, stack).replace("s3:", "oss:", 1) + "&style=path"


STORE_OPENERS: dict[str, Opener] = {
    "folder": lambda folder, _stack: f"folder:{folder}/deep/objects",
    "oss": _oss,
    "s3": _s3,
}


@contextmanager
def _opened(room: str, openers: Mapping[str, Opener], name: str, folder: Path) -> Iterator[str]:
    if name not in openers:
        pytest.fail(f"{room}/{name}.py is not under the contract: give it an opener here")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environ:
        for variable, value in (ENVIRON | OTS_ENVIRON).items():
            environ.setenv(variable, value)
        yield openers[name](folder, stack)


# Amazon's own server beside moto: it knows what a condition, a key and an item's size are.
LOCAL = pytest.param("dynamodb-local", marks=pytest.mark.service("dynamodb-local"))


@pytest.fixture(scope="module", params=[*registry.names("state"), LOCAL])
def table_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a table of each kind is."""
    with _opened("state", TABLE_OPENERS, request.param, tmp_path_factory.mktemp("state")) as url:
        yield url


@pytest.fixture(scope="module", params=registry.names("objects"))
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an object store of each kind is."""
    with _opened("objects", STORE_OPENERS, request.param, tmp_path_factory.mktemp("objects")) as url:
        yield url


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


@pytest.fixture
def store(store_url: str) -> Streams:
    """An object store of each kind; tests keep apart by their folder."""
    return objects.open_store(store_url)
