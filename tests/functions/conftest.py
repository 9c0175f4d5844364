"""The built zips, once a test run: for a real Python 3.12 where `make services` put one, else for the running one."""

import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.services import PYTHON312, available

from logferry_local import packaging
from logferry_local.packaging import slim, wheels
from logferry_local.platforms import Function

ROOT = Path(__file__).parents[2]


class Target(NamedTuple):
    """What the zips are built for, and runs them."""

    version: str  # as `logferry package --python` takes it
    python: str


class Mounted(NamedTuple):
    """The zips as the clouds unpack them: layers into opt/, each function into code/NAME."""

    place: Path
    python: str

    def function(self, name: str, *, timeout: float = 60.0, initializer: str = "") -> Function:
        """As it would be deployed: nothing else on the path, and no layer for one that carries everything."""
        layers = () if name in slim.SELF_CONTAINED else (self.place / "opt/python",)
        return Function(
            name=name, code=self.place / "code" / name, layers=layers, bare=True, python=self.python, timeout=timeout,
            initializer=initializer,
        )  # fmt: skip


@pytest.fixture(scope="session")
def target() -> Target:
    """What the clouds run, if it is here."""
    if available("python3.12"):
        return Target(packaging.TARGET, str(PYTHON312 / "bin/python3.12"))
    return Target("host", sys.executable)


@pytest.fixture(scope="session")
def built(target: Target, tmp_path_factory: pytest.TempPathFactory) -> dict[str, packaging.Package]:
    """All but boto3's and Tablestore's layers (not what these tests are about, and large)."""
    only = [name for name in packaging.names(ROOT) if name not in ("layer-aws", "layer-tablestore")]
    packages = packaging.build(ROOT, tmp_path_factory.mktemp("dist"), python=target.version, only=only)
    return {package.name: package for package in packages}


@pytest.fixture(scope="session")
def mounted(target: Target, built: dict[str, packaging.Package], tmp_path_factory: pytest.TempPathFactory) -> Mounted:
    """Unpacked once."""
    place = tmp_path_factory.mktemp("mounted")
    for name, package in built.items():
        kind, _, part = name.partition("-")
        with zipfile.ZipFile(package.path) as archive:
            archive.extractall(place / "opt" if kind == "layer" else place / "code" / part)
    return Mounted(place, target.python)


@pytest.fixture(scope="session")
def lambda_client(target: Target) -> Path:
    """A folder with AWS's own runtime interface client."""
    requirements = ROOT / "tests/functions/data/awslambdaric/requirements.txt"
    version = None if target.version == "host" else target.version
    return wheels.unpacked(requirements, ROOT / "build/packages/wheels", version)
