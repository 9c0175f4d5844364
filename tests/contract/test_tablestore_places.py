"""Where a table of Tablestore is, how it is made, and what the SDK is kept from saying."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ots import ENVIRON
from tests.fakes.ots_table import client, error, faulty_table

from logferry import registry, state
from logferry.errors import ConfigError, Misconfigured, StateError
from logferry.state import tablestore
from logferry.state._ots_rows import spot_of


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """A server with one table, behind a proxy that makes faults."""
    with faulty_table() as made:
        yield made


def test_nobody_there_is_a_state_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection may pass; it names the address and no key."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    table = state.open_table("tablestore:instance/rows?endpoint=http://127.0.0.1:9")
    with pytest.raises(StateError, match=r"NewConnectionError at http://127.0.0.1:9"):
        table.get("p", "a")
    table.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("tablestore:rows?region=cn-hangzhou", "'rows' is not of the form INSTANCE/TABLE"),
        ("tablestore:in.stance/rows?region=cn-hangzhou", "not of the form"),
        ("tablestore:instance/ro-ws?region=cn-hangzhou", "not of the form"),
        ("tablestore:instance/rows", "region: is missing"),
        ("tablestore:instance/rows?region=CN.hangzhou", "region: 'CN.hangzhou' is not one"),
        ("tablestore:instance/rows?endpoint=nonsense", "endpoint: is not a URL"),
        ("tablestore:instance/rows?endpoint=http://me@host", "endpoint: is not a URL"),
        ("tablestore:instance/rows?endpoint=http://host/path", "endpoint: is not a URL"),
        ("tablestore:instance/rows?endpoint=http://host:99999", "endpoint: is not a URL"),
        ("tablestore:instance/rows?zone=a", "unknown option 'zone'"),
    ],
)
def test_place_that_is_none_is_told(url: str, problem: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError, match=problem):
        state.open_table(url)


def test_default_endpoint_is_the_regions() -> None:
    """The public one of the instance."""
    spot = spot_of("my-instance/rows", {"region": "cn-hangzhou"})
    assert spot.endpoint == "https://my-instance.cn-hangzhou.ots.aliyuncs.com"


def test_without_the_sdk_it_says_what_to_install() -> None:
    """Opening is harmless; the first use says so."""
    code = (
        "import sys; sys.modules['tablestore'] = None\n"
        "from logferry import state\n"
        "state.open_table('tablestore:i/t?region=cn-hangzhou').get('p', 'a')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "Misconfigured: tablestore:i/t: the SDK is not installed: pip install 'logferry[tablestore]'" in done.stderr


def test_the_sdk_is_silent_at_its_import() -> None:
    """No warning and no line on standard error, whatever the interpreter shows."""
    code = (
        "from logferry import state\nfrom logferry.errors import Misconfigured\n"
        "try:\n    state.open_table('tablestore:i/t?endpoint=http://127.0.0.1:9').get('p', 'a')\n"
        "except Misconfigured:\n    pass"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=bare)
    assert (done.returncode, done.stderr) == (0, "")


def test_making_the_table_twice_is_harmless(proxy: FaultProxy) -> None:
    """The second time finds it as it must be."""
    place = registry.locate("state", f"tablestore:instance/rows?endpoint={proxy.url}")
    tablestore.create_table(place.location, place.options)


def test_table_that_loads_is_waited_for(proxy: FaultProxy) -> None:
    """As long as the service says that it is not ready; a minute at most."""
    waits: list[float] = []
    unready = error("OTSTableNotReady", 404)
    proxy.faults.extend([error("OTSObjectAlreadyExist", 409), unready, unready])
    tablestore.create_table("instance/rows", {"endpoint": proxy.url}, sleep=waits.append)
    assert waits == [1.0, 1.0]


@pytest.mark.parametrize(("key", "ttl", "problem"), [("id", -1, "another key"), ("sort", 86_400, "set it to -1")])
def test_table_that_would_not_do_is_told(proxy: FaultProxy, key: str, ttl: int, problem: str) -> None:
    """Another key, or a time to live, which would delete positions."""
    ots = client(proxy)
    sdk = ots.sdk
    meta = sdk.TableMeta(f"wrong_{key}", [("partition", "STRING"), (key, "STRING")])
    ots.call("create_table", meta, sdk.TableOptions(ttl, 1), sdk.ReservedThroughput(sdk.CapacityUnit(0, 0)))
    ots.close()
    with pytest.raises(Misconfigured, match=f"{problem}|OTSInvalidPK"):
        tablestore.create_table(f"instance/wrong_{key}", {"endpoint": proxy.url})
