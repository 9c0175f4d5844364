"""The files that run a worker on a host are what their own programs take for right."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy" / "worker"


@pytest.mark.service("systemd-analyze")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """systemd finds nothing to complain of, with the program where it really is."""
    unit = (FILES / "logferry-worker@.service").read_text(encoding="utf-8")
    here = tmp_path / "logferry-worker@.service"
    here.write_text(unit.replace("/opt/logferry/bin/logferry", str(Path(sys.executable).with_name("logferry"))))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "logferry" in line]
    assert (complaints, done.returncode) == ([], 0), done.stderr


def test_the_environment_example_names_what_the_unit_wants() -> None:
    """`$TASKS` in the unit is set in the example."""
    example = (FILES / "worker.env.example").read_text(encoding="utf-8")
    unit = (FILES / "logferry-worker@.service").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\$([A-Z_]+)", unit))
    assert wanted == {"TASKS"}
    assert wanted <= set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
