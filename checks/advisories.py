"""Known vulnerabilities of the locked wheels, by pip-audit, and whether it was really told anything.

pip-audit passes over a package that the service does not know, and says "no known vulnerabilities" where the service
serves none at all, as mirrors of the index do. So each run asks for one more: a version that is known to be vulnerable.
If nothing is told of that one, nothing was audited.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from checks.locks import Pin

__all__ = ["CONTROL", "NotMadeError", "findings"]

CONTROL = Pin("control", "jinja2", "2.4.1")  # CVE-2016-10745 and others
_TIME_OUT = 600  # seconds


class NotMadeError(Exception):
    """The audit could not be made."""


def findings(pins: Sequence[Pin], service: Sequence[str] = ()) -> Iterator[str]:
    """Each known vulnerability; NotMadeError. `service`: pip-audit's options, by default those of OSV."""
    told = {row["name"]: row for row in _asked([*pins, CONTROL], service or ("-s", "osv"))}
    if not told.get(CONTROL.name, {}).get("vulns"):
        raise NotMadeError(f"the service knows nothing even of {CONTROL.name} {CONTROL.version}, which is vulnerable")
    for pin in pins:
        row = told.get(pin.name, {"skip_reason": "it was not told of"})
        if "skip_reason" in row:
            raise NotMadeError(f"{pin.name} {pin.version}: {row['skip_reason']}")
        for one in row["vulns"]:
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            yield f"layers/{pin.layer}: {pin.name} {pin.version}: {one['id']}; fixed in {fixed}"


def _asked(pins: Sequence[Pin], service: Sequence[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as scratch:
        names = Path(scratch) / "requirements.txt"
        names.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins))
        command = [
            sys.executable, "-m", "pip_audit", "--format", "json", "--no-deps", "--disable-pip",
            "--progress-spinner", "off", *service, "-r", str(names),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_OUT, check=False)
    try:
        rows: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise NotMadeError(f"pip-audit: {done.stderr.strip()[-500:]}") from None
    return rows
