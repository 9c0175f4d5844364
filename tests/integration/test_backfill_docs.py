"""docs/backfill.md: what it shows to try does what it says."""

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/backfill.md").read_text(encoding="utf-8")
MARGIN = "trap 'kill $(jobs -p); wait' EXIT\nset -e\n"


def free_ports(count: int) -> list[str]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in found]


def test_the_example_runs(tmp_path: Path) -> None:
    """Every command of "Try it", in one shell: one record delivered, the run's ledger recounted."""
    script = MARGIN + "".join(re.findall(r"```bash\n(.*?)```", PAGE.partition("## Options")[0], re.DOTALL))
    store, sink = free_ports(2)
    script = script.replace("8070", store).replace("8088", sink)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLS_ENDPOINT": f"http://127.0.0.1:{store}",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "estimate: 1 records" in done.stdout
    assert "balanced, recounted at the source" in done.stdout
    assert len((tmp_path / "hec.ndjson").read_text().splitlines()) == 1
