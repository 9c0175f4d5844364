"""`.ci/python312`: quiet where there is a Python 3.12, plain words where there is no way to one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.functions.conftest import Target

from logferry_local.packaging import bytecode

ROOT = Path(__file__).parents[2]


def asked(folder: Path, tools: Path) -> "subprocess.CompletedProcess[str]":
    """The script of a checkout at `folder`, with nothing on the PATH but `tools`."""
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/python312", folder / ".ci/python312")
    command = ["/bin/sh", str(folder / ".ci/python312"), "--if-needed"]
    return subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with neither Python nor Maven."""
    folder = tmp_path / "tools"
    folder.mkdir()
    dirname = shutil.which("dirname")
    assert dirname
    (folder / "dirname").symlink_to(dirname)
    return folder


def test_without_maven_it_says_what_that_means(tmp_path: Path, tools: Path) -> None:
    """A build goes on, and whoever reads its output knows what the zips will lack."""
    done = asked(tmp_path / "checkout", tools)
    assert done.returncode == 0
    assert done.stderr == (
        "No Python 3.12 on the PATH, and no Maven (mvn) to fetch one: the zips will hold no bytecode.\n"
    )


def test_nothing_is_fetched_where_one_is_there(tmp_path: Path, tools: Path) -> None:
    """Any 3.12 on the PATH will do."""
    fake = tools / "python3.12"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    done = asked(tmp_path / "checkout", tools)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.service("python3.12")
def test_the_fetched_one_is_preferred(target: Target) -> None:
    """It makes the same bytes everywhere, so it comes before the running one and the PATH's."""
    assert bytecode.interpreter("3.12", ROOT) == target.python


def test_another_version_of_the_fetched_one_is_not_taken(tmp_path: Path) -> None:
    """A program of that name that is no 3.12 compiles nothing."""
    program = tmp_path / "build/services/python3.12/bin/python3.12"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 3.11\n")
    program.chmod(0o755)
    assert bytecode.interpreter("3.12", tmp_path) != str(program)
