"""docs/dead-letters.md: its walk-through, run as it stands."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/dead-letters.md"
PORTS = ("8070", "8088")


def free_port() -> str:
    """One that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def test_the_walk_through_does_what_it_says(tmp_path: Path) -> None:
    """From nothing to one parked record, mended and delivered: each command ends well, with the page's numbers."""
    text = re.search(r"## Try it\n.*?```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    script = text[1]
    ports = {port: free_port() for port in PORTS}  # others may use the page's own
    for port, free in ports.items():
        assert port in script
        script = script.replace(port, free)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "CHECKOUT": str(ROOT),
        "SLS_ENDPOINT": f"http://127.0.0.1:{ports['8070']}",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}wait"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert "HTTP 400 code 6 (Invalid data format)" in done.stdout
    assert "balanced, recounted at the source" in done.stdout
    assert "0/1/0" in done.stdout
    assert "100 received.ndjson" in done.stdout
