"""The built zips, once a test run: for the Python that runs the tests, with the registry asked at most once."""

import zipfile
from pathlib import Path

import pytest

from logferry_local import packaging

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, packaging.Package]:
    """Core, deps and both functions (boto3's layer is not what these tests are about, and large)."""
    only = [name for name in packaging.names(ROOT) if name != "layer-aws"]
    packages = packaging.build(ROOT, tmp_path_factory.mktemp("dist"), python="host", only=only)
    return {package.name: package for package in packages}


@pytest.fixture(scope="session")
def mounted(built: dict[str, packaging.Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zips as the clouds unpack them: layers into opt/, each function into code/NAME."""
    place = tmp_path_factory.mktemp("mounted")
    for name, package in built.items():
        kind, _, part = name.partition("-")
        with zipfile.ZipFile(package.path) as archive:
            archive.extractall(place / "opt" if kind == "layer" else place / "code" / part)
    return place
