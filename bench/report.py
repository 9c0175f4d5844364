"""The table on the screen, the same in Markdown for docs/performance.md, and as JSON: no path, host name or date."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.measure import Compared, Row

__all__ = ["Report", "machine", "markdown", "put_into", "table"]

_BEGIN, _END = "<!-- made by `make bench`: begin -->\n", "<!-- made by `make bench`: end -->\n"
_PACKAGES = ("protobuf", "orjson", "isal", "lz4", "requests", "aliyun-log-python-sdk")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of one run."""

    machine: dict[str, str]
    rows: list[Row]


def machine() -> dict[str, str]:
    """What the figures depend on."""
    found = {"cpu": _cpu(), "cores": str(os.cpu_count()), "python": platform.python_version()}
    return found | {name: version(name) for name in _PACKAGES}


def table(report: Report) -> None:
    """Print it."""
    from rich.console import Console
    from rich.table import Table

    made = Table("case", "logs", "way", caption=_machine(report), caption_justify="left")
    made.add_column("measured", justify="right")
    made.add_column("beside", justify="left")
    last = ""
    for row in report.rows:
        if last not in ("", row.case + row.corpus):
            made.add_section()
        last = row.case + row.corpus
        beside = "\n".join(filter(None, [*map(_beside, row.compared), row.notes]))
        made.add_row(row.case, row.corpus, row.way, f"{_number(row.value)} {row.unit}", beside)
    Console().print(made, markup=False)


def markdown(report: Report) -> str:
    """A table that stands in a page."""
    lines = [f"{_machine(report)}.", "", "| case | logs | way | measured | beside |", "|---|---|---|---:|---|"]
    for row in report.rows:
        beside = "; ".join(filter(None, [*map(_beside, row.compared), row.notes]))
        lines.append(f"| {row.case} | {row.corpus} | {row.way} | {_number(row.value)} {row.unit} | {beside} |")
    return "\n".join(lines) + "\n"


def put_into(page: Path, report: Report) -> None:
    """Replace the table in a page; ValueError if it has no place for one."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page}: has no lines {_BEGIN.strip()} and {_END.strip()}")
    page.write_text(before + begin + markdown(report) + end + after, encoding="utf-8")


def _beside(compared: Compared) -> str:
    verdict = {True: ", met", False: ", MISSED", None: ""}[compared.met]
    wanted = f" (wanted {compared.wanted}{verdict})" if compared.wanted else ""
    return f"{_number(compared.ratio)} {compared.against}{wanted}"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _machine(report: Report) -> str:
    found = dict(report.machine)
    cpu, cores, python = found.pop("cpu"), found.pop("cores"), found.pop("python")
    packages = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"{cpu}, {cores} cores, Python {python}; {packages}"


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
