"""The zips: reproducible, complete, apart from each other, in step with pyproject."""

import importlib.util
import re
import struct
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from tests.functions.conftest import Target

from logferry.errors import ConfigError
from logferry_local import checkout, packaging
from logferry_local.packaging import Package, bytecode, zips

ROOT = Path(__file__).parents[2]
Built = dict[str, Package]
# More than one other layer needs them.
SHARED = {canonicalize_name(name) for name in ("six", "urllib3")}
FINAL_312 = struct.pack("<H", 3531) + b"\r\n"  # of every final release of 3.12 (Lib/importlib/_bootstrap_external.py)


def locked(layer: str) -> dict[NormalizedName, str]:
    """Name -> version of a layer's requirements, names as the index spells them."""
    lines = (ROOT / "layers" / layer / "requirements.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_two_builds_are_the_same_bytes(target: Target, built: Built, tmp_path: Path) -> None:
    """Whoever builds the same tree gets the same hash."""
    again = packaging.build(ROOT, tmp_path, python=target.version, only=["layer-deps", "function-forward"])
    assert {package.name: package.sha256 for package in again} == {
        package.name: built[package.name].sha256 for package in again
    }


def test_bytecode_is_the_same_twice(tmp_path: Path) -> None:
    """Sets of constants do not follow the process's hash seed."""
    bodies = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "module.py").write_text("FOUND = 'x' in {'alpha', 'beta', 'gamma', 'delta'}\n")
        python = bytecode.interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
        assert python is not None
        bytecode.compile_all(python, folder, "/opt")
        (compiled,) = folder.rglob("*.pyc")
        bodies.append(compiled.read_bytes())
    assert bodies[0] == bodies[1]
    assert b"/opt/module.py" in bodies[0]


def test_bytecode_is_never_checked_against_its_source(target: Target, built: Built) -> None:
    """Each module has a pyc for that Python with the unchecked-hash flag: dates in a zip mean nothing."""
    host = target.version == "host"
    tag = importlib.util.cache_from_source("x.py").split(".")[1] if host else "cpython-312"
    magic = importlib.util.MAGIC_NUMBER if host else FINAL_312
    with zipfile.ZipFile(built["layer-core"].path) as archive:
        names = set(archive.namelist())
        sources = [name for name in names if name.endswith(".py")]
        for name in sources:
            folder, _, module = name.removesuffix(".py").rpartition("/")
            compiled = f"{folder}/__pycache__/{module}.{tag}.pyc"
            assert compiled in names
            body = archive.read(compiled)
            assert body[:4] == magic
            assert struct.unpack("<I", body[4:8]) == (0b01,)
    assert "python/logferry/route.py" in sources


def test_zip_bytes_do_not_depend_on_dates_or_order(tmp_path: Path) -> None:
    """Names sorted, one date, one mode."""
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    zips.write(tmp_path / "one.zip", {"b": tmp_path / "b", "a": tmp_path / "a"})
    (tmp_path / "a").chmod(0o600)
    (tmp_path / "a").touch()
    zips.write(tmp_path / "two.zip", {"a": tmp_path / "a", "b": tmp_path / "b"})
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert [(info.filename, info.external_attr >> 16) for info in archive.infolist()] == [
            ("a", 0o100644), ("b", 0o100644)
        ]  # fmt: skip


def test_layers_never_overlap(built: Built) -> None:
    """On one cloud the first layer wins, on the other the last: so no file is in two."""
    assert not built["layer-core"].files.keys() & built["layer-deps"].files.keys()
    names = [set(locked(path.parent.name)) for path in ROOT.glob("layers/*/requirements.txt")]
    assert not [one & other for index, one in enumerate(names) for other in names[:index] if one & other]


def test_overlapping_layers_are_refused(tmp_path: Path) -> None:
    """A build that would mean two things on two clouds fails, and says where."""
    for name in ("functions/forward/app.py", "layers/core/python/certifi/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    (tmp_path / "layers/deps").mkdir()
    (tmp_path / "layers/deps/requirements.txt").write_text(f"certifi=={locked('deps')[canonicalize_name('certifi')]}\n")
    with pytest.raises(ConfigError, match=r"layer-deps: .* are in layer-core too, such as python/certifi/"):
        packaging.build(tmp_path, tmp_path / "dist", python="host")


def test_the_lock_is_the_hot_path(built: Built) -> None:
    """Every dependency of pyproject is locked at a version in its range, and what they need in turn is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"]]
    versions = locked("deps")
    assert all(versions[canonicalize_name(found.name)] in found.specifier for found in wanted)
    needed = {canonicalize_name(found.name) for found in wanted}
    with zipfile.ZipFile(built["layer-deps"].path) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/METADATA"):
                lines = re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), re.MULTILINE)
                found = [Requirement(line) for line in lines]
                needed |= {
                    canonicalize_name(one.name)
                    for one in found
                    if one.marker is None or one.marker.evaluate({"extra": ""})
                }
    assert needed | SHARED == set(versions)


def test_a_function_is_its_app_and_nothing_else(built: Built) -> None:
    """Everything shared is in the layers."""
    sources = {name for name in built["function-forward"].files if not name.endswith(".pyc")}
    assert sources == {"app.py"}


def test_an_unknown_package_is_told() -> None:
    """The error lists the known names."""
    with pytest.raises(
        ConfigError, match="'layer-kafka2' is not one of layer-core, layer-aws, layer-codecs, layer-deps"
    ):
        packaging.build(ROOT, ROOT / "build/never", only=["layer-kafka2"])


def test_a_wheel_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """The builder's own words say which; no half-made layer stays behind."""
    for name in ("functions/forward/app.py", "layers/core/python/logferry/__init__.py", "layers/deps/requirements.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("idna==0.0.0.1\n" if name.endswith("txt") else "")
    with pytest.raises(ConfigError, match=r"No matching distribution found for idna==0\.0\.0\.1"):
        packaging.build(tmp_path, tmp_path / "dist", python="host", only=["layer-deps"])
    assert list((tmp_path / "build/packages/wheels").iterdir()) == []


def test_a_missing_python_gives_no_bytecode() -> None:
    """A host without the target's Python still builds; nothing pretends to be compiled."""
    assert bytecode.interpreter("3.99") is None


def test_commands_find_the_checkout(tmp_path: Path) -> None:
    """From a folder inside, or, elsewhere, by where the command itself is."""
    assert checkout.root(ROOT / "tests/functions") == ROOT
    assert checkout.root(tmp_path) == ROOT


def test_the_layer_holds_the_log_categories(built: Built) -> None:
    """Data files travel with the code."""
    names = {name.rpartition("/")[2] for name in built["layer-core"].files if "/categories/" in name}
    assert {"access_origin.toml", "waf.toml"} <= names
