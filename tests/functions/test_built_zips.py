"""The built zips in a bare interpreter: nothing but code/ and opt/python on the path, under both clouds' contracts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.functions.place import delivering

from logferry_local.platforms import Function, driver
from logferry_local.platforms.instance import Instance

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
# What a cold start of the hot path must not pay for; each is imported where it is needed, or not at all.
FORBIDDEN = frozenset((
    "aiohttp", "aliyun", "boto3", "botocore", "kafka", "logferry_local", "pydantic", "rich", "starlette", "tablestore",
    "typer", "uvicorn", "zstandard",
))  # fmt: skip


def function(mounted: Path, name: str, **options: Any) -> Function:  # noqa: ANN401  # passed on as they are
    """A function as it would be deployed."""
    return Function(name=name, code=mounted / "code" / name, layers=(mounted / "opt/python",), bare=True, **options)


def modules_after(code: Path, *, bare: Path | None = None) -> dict[str, str]:
    """Module -> file after importing `app`: in the checkout's environment, or with only `bare` beside the code."""
    paths = [str(code), *([str(bare)] if bare else [])]
    program = (
        f"import json, sys; sys.path[:0] = {paths!r}; import app\n"
        "print(json.dumps({name: str(getattr(it, '__file__', '')) for name, it in sys.modules.items()}))"
    )
    command = [sys.executable, *(["-I", "-S"] if bare else []), "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_the_library_runs_from_its_zip_alone(mounted: Path, contract: str) -> None:
    """A handler of the built layers answers under each contract, and sees neither checkout nor site-packages."""
    shutil.copytree(PROBE, mounted / "code/probe", dirs_exist_ok=True)
    instance = Instance(function(mounted, "probe"), contract, {})
    result = instance.invoke(b'{"a": 1}', "r-1")
    instance.close()
    assert result.ok, result.reply
    found = json.loads(result.reply) if isinstance(result.reply, str) else result.reply
    assert found["event"] == {"a": 1}
    assert not [path for path in found["path"] if "site-packages" in path or path.startswith(str(ROOT))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handlers_import_from_their_zips(mounted: Path, name: str) -> None:
    """Every module of ours and of the wheels comes from the mounted layers, as bytecode was made for it."""
    found = modules_after(mounted / "code" / name, bare=mounted / "opt/python")
    ours = {file for module, file in found.items() if module.partition(".")[0] in ("logferry", "requests", "orjson")}
    assert ours
    assert not [file for file in ours if not file.startswith(str(mounted))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_start_loads_nothing_heavy(name: str) -> None:
    """Where all of them are installed, importing a handler still loads none."""
    roots = {module.partition(".")[0] for module in modules_after(ROOT / "functions" / name)}
    assert not roots & FORBIDDEN
    assert roots >= {"logferry", "app"}


def test_the_initializers_modules_are_there(mounted: Path) -> None:
    """Function Compute's hook runs before the first call and finds what it imports."""
    instance = Instance(function(mounted, "forward", initializer="app.initialize"), "fc", {})
    result = instance.invoke(b"[]", "r-1")
    instance.close()
    assert (result.ok, result.reply["errorType"]) == (False, "ConfigError"), result.reply


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_forward_delivers_from_its_zip(mounted: Path, tmp_path: Path, contract: str) -> None:
    """A real log store, a real receiver, nothing but the zips between them: each log arrives once, per shard."""
    with delivering(tmp_path) as delivery:
        delivery.place.put(0, "a", "b")
        delivery.place.put(1, "c")
        instance = Instance(function(mounted, "forward", timeout=30.0), contract, delivery.environ)
        first = instance.invoke(delivery.event(0), "r-1")
        assert first.ok, first.reply
        assert delivery.received() == ["a", "b"]
        again, second = (instance.invoke(delivery.event(shard), "r-2") for shard in (0, 1))
        instance.close()
        assert (again.ok, second.ok, delivery.received()) == (True, True, ["a", "b", "c"])


@pytest.mark.parametrize("contract", ["fc", "aws"])
def test_sweep_delivers_from_its_zip(mounted: Path, tmp_path: Path, contract: str) -> None:
    """What no trigger ever told of is delivered by the timer."""
    name = "timer.fc.json" if contract == "fc" else "schedule.aws.json"
    with delivering(tmp_path) as delivery:
        delivery.place.put(0, "a")
        delivery.place.put(1, "b")
        instance = Instance(function(mounted, "sweep", timeout=30.0), contract, delivery.environ)
        result = instance.invoke((ROOT / "events/sweep" / name).read_bytes(), "r-1")
        instance.close()
        assert result.ok, result.reply
        assert delivery.received() == ["a", "b"]
