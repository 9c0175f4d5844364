"""The built zips against cloud tables and a bucket, under every runtime contract: all arrives, and the ledger verifies.

Rows in DynamoDB (moto, and Amazon's own DynamoDB Local), dead letters in S3 (moto), logs in the embedded log store.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.aws import aws_server
from tests.fakes.dynamodb_local import dynamodb_local
from tests.fakes.serving import serve
from tests.functions.aws_site import LIMIT, Site, reset
from tests.functions.conftest import Mounted, Target
from tests.functions.place import furnished

from logferry_local.packaging import wheels
from logferry_local.platforms import Function, Result
from logferry_local.platforms.instance import Instance
from logferry_local.platforms.lambda_instance import LambdaInstance

ROOT = Path(__file__).parents[2]

Calls = Callable[[Function, bytes], Result]
Way = Callable[[Site, Path], AbstractContextManager[Calls]]


@pytest.fixture(scope="module")
def boto3(target: Target) -> Path:
    """boto3 for that Python: a layer on Function Compute, part of the runtime on Lambda."""
    version = None if target.version == "host" else target.version
    return wheels.unpacked(ROOT / "layers/aws/requirements.txt", ROOT / "build/packages/wheels", version)


@pytest.fixture(scope="module")
def addresses(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Table's and bucket's servers."""
    with ExitStack() as stack:
        bucket = stack.enter_context(aws_server())
        yield (stack.enter_context(dynamodb_local()) if request.param == "dynamodb-local" else bucket), bucket


@pytest.fixture
def site(addresses: tuple[str, str], tmp_path: Path) -> Iterator[Site]:
    """Anew for each test, on the same servers."""
    with furnished(tmp_path / "store") as place:
        made = Site(place, tmp_path, *addresses)
        try:
            made.apply()
            yield made
        finally:
            made.sink.close()
            for server in set(addresses):
                reset(server, addresses[1])


@contextmanager
def by_driver(site: Site, client: Path) -> Iterator[Calls]:
    """Function Compute's python3.12."""
    del client
    with ExitStack() as stack:
        instances: dict[str, Instance] = {}

        def call(function: Function, event: bytes) -> Result:
            if function.name not in instances:
                made = instances[function.name] = Instance(function, "fc", site.environ)
                stack.callback(made.close)
            return instances[function.name].invoke(event, "r-1")

        yield call


@contextmanager
def by_client(site: Site, client: Path) -> Iterator[Calls]:
    """Lambda, in AWS's own client."""
    with ExitStack() as stack:
        instances: dict[str, LambdaInstance] = {}

        def call(function: Function, event: bytes) -> Result:
            if function.name not in instances:
                made = instances[function.name] = LambdaInstance(function, site.environ, client)
                stack.callback(made.close)
            return instances[function.name].invoke(event, "r-1")

        yield call


@contextmanager
def by_container(site: Site, client: Path) -> Iterator[Calls]:
    """Function Compute's custom container: the built function's code, the checkout's library."""
    del client

    def call(function: Function, event: bytes) -> Result:
        with serve(site.folder, site.environ, "function", function.name, "--code", str(function.code)) as served:
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
            said = {"x-fc-request-id": "r-1", "x-fc-function-timeout": "30", "x-fc-control-path": "/invoke"}
            connection.request("POST", "/invoke", event, said)
            found = connection.getresponse()
            reply = found.read().decode()
            connection.close()
            return Result(ok=found.headers["x-fc-status"] == "200", reply=reply)

    yield call


AMAZONS_OWN = pytest.mark.service("dynamodb-local")


@pytest.mark.parametrize(
    ("addresses", "way"),
    [
        ("moto", by_driver), ("moto", by_client), ("moto", by_container),
        pytest.param("dynamodb-local", by_driver, marks=AMAZONS_OWN),
        pytest.param("dynamodb-local", by_client, marks=AMAZONS_OWN),
    ],
    indirect=["addresses"],
)  # fmt: skip
def test_all_arrives_and_the_ledger_verifies(
    mounted: Mounted, lambda_client: Path, boto3: Path, site: Site, way: Way
) -> None:
    """`forward` takes what a trigger told of and parks what is refused, `sweep` the rest; a repeat adds nothing."""
    site.place.put(0, "a", "b", "x" * LIMIT)
    site.place.put(1, "c")
    forward, sweep = (mounted.function(name, timeout=30.0) for name in ("forward", "sweep"))
    forward, sweep = (replace(it, layers=(*it.layers, boto3)) for it in (forward, sweep))
    with way(site, lambda_client) as call:
        results = [call(forward, site.doorbell(0)), call(forward, site.doorbell(0))]
        results.append(call(sweep, (ROOT / "events/sweep/timer.fc.json").read_bytes()))
    assert [result.ok for result in results] == [True] * 3, results
    assert site.received() == ["a", "b", "c"]
    done = site.run("ledger", "--verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"parked": 1' in json.dumps(json.loads(done.stdout))


@pytest.mark.parametrize("addresses", ["moto"], indirect=True)
def test_a_lost_letter_is_found(mounted: Mounted, lambda_client: Path, boto3: Path, site: Site) -> None:
    """The check can fail: without the parked record's object the ledger does not verify."""
    site.place.put(0, "x" * LIMIT)
    forward = mounted.function("forward", timeout=30.0)
    with by_client(site, lambda_client) as call:
        assert call(replace(forward, layers=(*forward.layers, boto3)), site.doorbell(0)).ok
    program = (
        "import os; from logferry import objects; store = objects.open_store(os.environ['LOGFERRY_OBJECTS'])\n"
        "keys = list(store.list('')); [store.delete(key) for key in keys]; print(len(keys))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=site.environ, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) > 0
    assert site.run("ledger", "--verify").returncode == 1
