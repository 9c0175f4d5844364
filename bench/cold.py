"""Cold start: the built packages in a bare interpreter, until each function could take its first call.

Mounted as the clouds mount them: only the layers and the function's own code are on the path. Measured with the
running Python, and with the clouds' (3.12) where `make services` put one.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.measure import Row, judge
from bench.receivers import ROOT
from bench.scale import Scale
from logferry_local import packaging
from logferry_local.packaging import slim

__all__ = ["cold"]

_PYTHON312 = ROOT / "build/services/python3.12/bin/python3.12"
_START = "import sys; sys.path[:0] = {paths!r}; import app; app.initialize(None)\n"
_HEC = (
    "import logferry.destinations.splunk_hec, logferry.encoders.hec, logferry.objects.folder\n"
    "from logferry.transport.compress import gzip; gzip(b'x')\n"
)
_SLS = "import logferry.sls.codec; from logferry.sls.schema import schema; schema()\n"
_SQLITE = "import logferry.state.sqlite\n"
_DYNAMO = "from logferry import state; state.open_table('dynamodb:t?region=eu-central-1').close()\n"
# What a first call loads, beside what the handler's own imports do. The most: bare starts on top of a bare one.
_WAYS: Mapping[str, tuple[str, str, float | None]] = {
    "forward, no cloud table": ("forward", _HEC + _SLS + _SQLITE, 8),
    "forward, DynamoDB": ("forward", _HEC + _SLS + _DYNAMO, 18),
    "sweep": ("sweep", _HEC + _SLS + _SQLITE, None),
    "replay": ("replay", _HEC + _SLS + _SQLITE, None),
    "receive": ("receive", _HEC + _SQLITE, None),
    "prove_ownership": ("prove_ownership", _SLS + _SQLITE, None),
    "verify_request": ("verify_request", "", None),
}


class _Mounted(NamedTuple):
    """Unpacked packages, and who runs them."""

    python: str
    name: str
    place: Path

    def code(self, function: str, more: str) -> str:
        """What is run."""
        paths = [str(self.place / "code" / function)]
        if function not in slim.SELF_CONTAINED:
            paths.append(str(self.place / "opt/python"))
        return _START.format(paths=paths) + more


def cold(_corpus: str, scale: Scale) -> list[Row]:
    """CPU time on top of a bare interpreter, in bare starts; with bytecode as it is packed, and without."""
    found: list[Row] = []
    for python, version in _pythons(scale):
        with _mounted(python, version) as mounted:
            found += _rows(mounted, scale)
    return found


def _rows(mounted: _Mounted, scale: Scale) -> list[Row]:
    bare: list[float] = []
    packed: dict[str, list[float]] = {name: [] for name in _WAYS}
    plain: dict[str, list[float]] = {name: [] for name in _WAYS}
    for spent in (packed, plain):
        if spent is plain:
            _strip(mounted.place)
        for number in range(scale.starts + 1):
            base = _start(mounted, "pass")
            for name, (function, more, _) in _WAYS.items():
                seconds = _start(mounted, mounted.code(function, more))
                if number:  # the first start warms the page cache
                    spent[name].append(seconds)
            bare += [base] if number else []
    middle = statistics.median(bare)
    rows = [Row(case="cold", corpus="", way=f"{mounted.name}: bare interpreter", value=middle * 1000, unit="CPU-ms")]
    for name, (function, more, most) in _WAYS.items():
        modules = _output(mounted, mounted.code(function, more) + "print(len(sys.modules))").strip()
        for spent, how, limit in ((packed, "", most), (plain, ", no bytecode", None)):
            value = statistics.median(spent[name])
            compared = [judge("x a bare start, on top of it", (value - middle) / middle, at_most=limit)]
            rows.append(
                Row(case="cold", corpus="", way=f"{mounted.name}: {name}{how}", value=value * 1000, unit="CPU-ms",
                    compared=compared, notes=f"{modules} modules")
            )  # fmt: skip
    return rows


def _pythons(scale: Scale) -> Sequence[tuple[str, str]]:
    own = (sys.executable, "host")
    return [own, (str(_PYTHON312), "3.12")] if _PYTHON312.exists() and scale.starts > 1 else [own]


@contextmanager
def _mounted(python: str, version: str) -> Iterator[_Mounted]:
    name = f"{sys.version_info.major}.{sys.version_info.minor}" if version == "host" else version
    only = ["layer-core", "layer-deps", *(one for one in packaging.names(ROOT) if one.startswith("function-"))]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for package in packaging.build(ROOT, place / "dist", python=version, only=only):
            kind, _, part = package.name.partition("-")
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(place / "opt" if kind == "layer" else place / "code" / part)
        if version == "host":  # a new one: the start of ours reads what pip left there for development
            venv.create(place / "venv", symlinks=True)
            python = str(place / "venv/bin/python")
        yield _Mounted(python, f"Python {name}", place)


def _strip(place: Path) -> None:
    """Take the bytecode away; what has no source beside it (a slim function's) stays."""
    for file in place.rglob("__pycache__/*.pyc"):
        file.unlink()


def _start(mounted: _Mounted, code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _output(mounted, code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _output(mounted: _Mounted, code: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [mounted.python, "-I", "-B", "-c", code]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120).stdout
