"""The built zips as a deployment that has nothing of AWS: rows in Tablestore, dead letters in OSS, logs in SLS.

Tablestore's protocol is spoken by our own server, OSS's by moto; the layers are the built ones, in a bare interpreter.
"""

import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.aws import ENVIRON as AWS_ENVIRON
from tests.fakes.aws import aws_server
from tests.fakes.ots import ENVIRON, ots_server
from tests.functions.aws_site import LIMIT, Site
from tests.functions.conftest import Mounted, Target
from tests.functions.place import furnished

from logferry.state import tablestore
from logferry_local import packaging
from logferry_local.packaging import wheels
from logferry_local.platforms.instance import Instance

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def extras(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer of Tablestore's SDK, built and unpacked."""
    place = tmp_path_factory.mktemp("extras")
    (package,) = packaging.build(ROOT, place / "dist", python=target.version, only=["layer-tablestore"])
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(place)
    return place / "python"


@pytest.fixture(scope="module")
def boto3(target: Target) -> Path:
    """boto3 for that Python, as its layer holds it: OSS is spoken to by S3's protocol."""
    version = None if target.version == "host" else target.version
    return wheels.unpacked(ROOT / "layers/aws/requirements.txt", ROOT / "build/packages/wheels", version)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """One task, and an environment without any key of AWS."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with furnished(tmp_path / "store") as place, aws_server() as bucket, ots_server() as table:
        made = Site(place, tmp_path, bucket, bucket)
        tablestore.create_table("instance/rows", {"endpoint": table.address})
        for name in AWS_ENVIRON:
            made.environ.pop(name, None)
        made.environ |= ENVIRON
        made.environ["LOGFERRY_STATE"] = f"tablestore:instance/rows?region=cn-hangzhou&endpoint={table.address}"
        made.environ["LOGFERRY_OBJECTS"] = f"oss:letters/deep?region=cn-hangzhou&endpoint={bucket}&style=path"
        try:
            made.apply()
            yield made
        finally:
            made.sink.close()


def test_all_arrives_and_the_ledger_verifies(mounted: Mounted, extras: Path, boto3: Path, site: Site) -> None:
    """`forward` delivers and parks what is refused, `sweep` the rest, a repeat adds nothing."""
    site.place.put(0, "a", "b", "x" * LIMIT)
    site.place.put(1, "c")
    results = []
    for name in ("forward", "sweep"):
        function = mounted.function(name, timeout=30.0)
        instance = Instance(replace(function, layers=(*function.layers, extras, boto3)), "fc", site.environ)
        results += [instance.invoke(site.doorbell(0) if name == "forward" else b"{}", "r-1") for _ in range(2)]
        instance.close()
    assert [result.ok for result in results] == [True] * 4, results
    assert site.received() == ["a", "b", "c"]
    done = site.run("ledger", "--verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_layer_needs_none_of_what_it_lacks(mounted: Mounted, extras: Path) -> None:
    """In the bare interpreter the SDK's client is made and asks, silently, and its stand-ins are gone afterwards."""
    code = (
        f"import sys; sys.path[:0] = {[str(mounted.place / 'opt/python'), str(extras)]!r}\n"
        "from logferry import state\nfrom logferry.errors import StateError\n"
        "try:\n    state.open_table('tablestore:i/t?endpoint=http://127.0.0.1:9').get('p', 'a')\n"
        "except StateError as error:\n    print(error, *{'aiohttp', 'crc32c', 'numpy'} & {*sys.modules})"
    )
    command = [mounted.python, "-I", "-S", "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=ENVIRON)
    assert done.stdout == "tablestore:i/t: NewConnectionError at http://127.0.0.1:9\n"
    assert done.stderr == ""
    assert {path.name for path in extras.iterdir() if "dist-info" not in path.name} == {"flatbuffers", "tablestore"}
    assert list(extras.rglob("*.so")) == []
