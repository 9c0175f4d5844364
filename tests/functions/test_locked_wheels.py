"""Wheels for the clouds are the locked ones, or none."""

import json
import shutil
from pathlib import Path

import pytest

from logferry.errors import ConfigError
from logferry_local.packaging import TARGET, hashes, wheels

ROOT = Path(__file__).parents[2]


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A copy of the smallest layer's requirements, and a lock that holds other hashes."""
    shutil.copytree(ROOT / "layers/powertools", tmp_path / "layers/powertools")
    lock = json.loads((ROOT / "layers/lock.json").read_text())
    for entry in lock["wheels"]:
        entry["sha256"] = "0" * 64
    (tmp_path / "layers/lock.json").write_text(json.dumps(lock))
    return tmp_path / "layers/powertools/requirements.txt"


def test_a_wheel_with_another_hash_is_not_installed(layer: Path, tmp_path: Path) -> None:
    """pip's own check of hashes; nothing is left behind that a later build could take."""
    with pytest.raises(ConfigError, match=r"(?i)do not match the hashes"):
        wheels.unpacked(layer, tmp_path / "cache", TARGET)
    assert list((tmp_path / "cache").iterdir()) == []


def test_every_requirement_is_asked_for_with_its_hash() -> None:
    """For the clouds' Python each line has one, for another none."""
    for file in sorted(ROOT.glob("layers/*/requirements.txt")):
        lines = hashes.pinned(file, TARGET).splitlines()
        assert lines
        assert all(" --hash=sha256:" in line for line in lines)
        assert hashes.pinned(file, None) == file.read_text()


def test_a_lock_that_cannot_be_read_builds_nothing(layer: Path, tmp_path: Path) -> None:
    """A damaged lock is no reason to go on without one."""
    (tmp_path / "layers/lock.json").write_text('{"wheels": [{}]}')
    with pytest.raises(ConfigError, match="is not what python -m checks lock writes"):
        wheels.unpacked(layer, tmp_path / "cache", TARGET)
