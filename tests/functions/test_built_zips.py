"""The built zips in a bare interpreter: nothing but code/ and opt/python on the path, under both clouds' contracts.

The interpreter is a real Python 3.12 with the wheels of the layers, where `make services` put one.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.functions.conftest import Mounted
from tests.functions.place import delivering

from logferry_local.packaging import slim
from logferry_local.platforms import driver
from logferry_local.platforms.instance import Instance

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "data/probe"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
# What a cold start of the hot path must not pay for; each is imported where it is needed, or not at all.
FORBIDDEN = frozenset((
    "aiohttp", "aliyun", "boto3", "botocore", "kafka", "logferry_local", "pydantic", "rich", "starlette", "tablestore",
    "typer", "uvicorn", "zstandard",
))  # fmt: skip


def modules_after(code: Path, *, bare: Mounted | None = None) -> dict[str, str]:
    """Module -> file after importing `app`: in the checkout's environment, or in the bare interpreter."""
    paths = [str(code), *(str(layer) for layer in (bare.function(code.name).layers if bare else ()))]
    program = (
        f"import json, sys; sys.path[:0] = {paths!r}; import app\n"
        "print(json.dumps({name: str(getattr(it, '__file__', '')) for name, it in sys.modules.items()}))"
    )
    command = [*([bare.python, "-I", "-S"] if bare else [sys.executable]), "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.service("python3.12")
def test_the_interpreter_is_the_clouds(mounted: Mounted) -> None:
    """Where it is required, everything in this file ran in a Python 3.12."""
    done = subprocess.run([mounted.python, "-V"], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.startswith("Python 3.12.")


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_the_library_runs_from_its_zip_alone(mounted: Mounted, contract: str) -> None:
    """A handler of the built layers answers under each contract, and sees neither checkout nor site-packages."""
    shutil.copytree(PROBE, mounted.place / "code/probe", dirs_exist_ok=True)
    instance = Instance(mounted.function("probe"), contract, {})
    result = instance.invoke(b'{"a": 1}', "r-1")
    instance.close()
    assert result.ok, result.reply
    found = json.loads(result.reply) if isinstance(result.reply, str) else result.reply
    assert found["event"] == {"a": 1}
    own = (str(mounted.place), str(Path(mounted.python).resolve().parents[1]))  # and what the interpreter brings
    outside = [path for path in found["path"] if not path.startswith(own)]
    assert not [path for path in outside if path.startswith(str(ROOT))]
    assert not [path for path in found["path"] if "site-packages" in path]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handlers_import_from_their_zips(mounted: Mounted, name: str) -> None:
    """Every module of ours and of the wheels comes from the mounted layers, as bytecode was made for it."""
    found = modules_after(mounted.place / "code" / name, bare=mounted)
    ours = {file for module, file in found.items() if module.partition(".")[0] in ("logferry", "requests", "msgspec")}
    assert ours
    assert not [file for file in ours if not file.startswith(str(mounted.place))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_start_loads_nothing_heavy(name: str) -> None:
    """Where all of them are installed, importing a handler still loads none."""
    roots = {module.partition(".")[0] for module in modules_after(ROOT / "functions" / name)}
    assert not roots & FORBIDDEN
    assert roots >= {"logferry", "app"}


def test_the_initializers_modules_are_there(mounted: Mounted) -> None:
    """Function Compute's hook runs before the first call and finds what it imports."""
    instance = Instance(mounted.function("forward", initializer="app.initialize"), "fc", {})
    result = instance.invoke(b"[]", "r-1")
    instance.close()
    assert (result.ok, result.reply["errorType"]) == (False, "ConfigError"), result.reply


def test_every_extension_module_loads(mounted: Mounted) -> None:
    """Shared libraries lost their sections and symbols: each of them can still be imported, in a process of its own."""
    place = mounted.place / "opt/python"
    modules = sorted(
        ".".join((*file.relative_to(place).parts[:-1], file.name.partition(".")[0])) for file in place.rglob("*.so")
    )
    assert {"orjson.orjson", "lz4.block._block", "zstandard.backend_c", "cramjam.cramjam"} <= set(modules)
    program = (
        "import importlib, json, sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    importlib.import_module(name.rpartition('.')[0] or name); importlib.import_module(name)\n"
    )
    command = [mounted.python, "-I", "-S", "-c", program, str(place), *modules]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("contract", driver.CONTRACTS)
def test_forward_delivers_from_its_zip(mounted: Mounted, tmp_path: Path, contract: str) -> None:
    """A real log store, a real receiver, nothing but the zips between them: each log arrives once, per shard."""
    with delivering(tmp_path) as delivery:
        delivery.place.put(0, "a", "b")
        delivery.place.put(1, "c")
        instance = Instance(mounted.function("forward", timeout=30.0), contract, delivery.environ)
        first = instance.invoke(delivery.event(0), "r-1")
        assert first.ok, first.reply
        assert delivery.received() == ["a", "b"]
        again, second = (instance.invoke(delivery.event(shard), "r-2") for shard in (0, 1))
        instance.close()
        assert (again.ok, second.ok, delivery.received()) == (True, True, ["a", "b", "c"])


@pytest.mark.parametrize("contract", ["fc", "aws"])
def test_sweep_delivers_from_its_zip(mounted: Mounted, tmp_path: Path, contract: str) -> None:
    """What no trigger ever told of is delivered by the timer."""
    name = "timer.fc.json" if contract == "fc" else "schedule.aws.json"
    with delivering(tmp_path) as delivery:
        delivery.place.put(0, "a")
        delivery.place.put(1, "b")
        instance = Instance(mounted.function("sweep", timeout=30.0), contract, delivery.environ)
        result = instance.invoke((ROOT / "events/sweep" / name).read_bytes(), "r-1")
        instance.close()
        assert result.ok, result.reply
        assert delivery.received() == ["a", "b"]


@pytest.mark.parametrize("name", sorted(slim.SELF_CONTAINED))
def test_a_self_contained_function_needs_no_layer(mounted: Mounted, name: str) -> None:
    """With its own zip alone every module that it carries can be imported, so none of them wants what is not there."""
    code = mounted.place / "code" / name
    files = [file.relative_to(code) for file in code.glob("logferry/**/*.py")]
    # What a module takes from the platform (boto3, powertools) it imports inside a function.
    modules = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files]
    assert {"logferry.signing", "logferry.runtime.aws", "logferry.runtime.fc"} <= set(modules)
    program = f"import sys; sys.path.insert(0, {str(code)!r}); import {', '.join(modules)}"
    done = subprocess.run(
        [mounted.python, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("path", "status"), [("/in", 403), ("/in?auth_key=1-2-3", 403)])
def test_verify_request_judges_from_its_zip(mounted: Mounted, path: str, status: int) -> None:
    """A stranger's request is refused by the zip alone, under both contracts."""
    event = {
        "version": "v1", "rawPath": path.partition("?")[0], "rawQueryString": path.partition("?")[2], "headers": {},
        "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "203.0.113.9"}},
    }  # fmt: skip
    environ = {"LOGFERRY_AUTH_KEYS": "secret://env/KEY", "KEY": "abc123def"}
    for contract in ("fc", "aws"):
        instance = Instance(mounted.function("verify_request"), contract, environ)
        result = instance.invoke(json.dumps(event).encode(), "r-1")
        instance.close()
        reply = json.loads(result.reply) if isinstance(result.reply, str) else result.reply
        assert (result.ok, reply["statusCode"]) == (True, status)
