"""`python -m bench.cost [--quick] [--rate MB/S] [--interval SECONDS] [--round-trip SECONDS] [--json FILE] [--docs]`."""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import report
from bench.cost import formula
from bench.cost.formula import Cost, Place, Work
from bench.cost.work import Idle, measure
from bench.receivers import ROOT

__all__ = ["main"]

_BEGIN, _END = "<!-- made by `make cost`: begin -->\n", "<!-- made by `make cost`: end -->\n"
_LAMBDA = (256, 512, 1024, 1769, 3008)  # MB
_FC = ((0.1, 256), (0.25, 512), (0.35, 512), (0.5, 512), (1.0, 1024))  # CPUs, MB
_RAW, _QUICK = 40_000_000, 4_000_000
_LOGS = ("waf", "small")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="bench.cost", description="What a GB of logs costs, from what is measured here."
    )
    parser.add_argument("--quick", action="store_true", help="less work, less to be trusted")
    parser.add_argument("--rate", type=float, default=0.2, help="MB of raw logs a second and shard (default 0.2)")
    parser.add_argument(
        "--interval", type=float, default=60.0, help="seconds between two calls for a shard (default 60)"
    )
    parser.add_argument("--round-trip", type=float, default=0.02, help="seconds that a request takes (default 0.02)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured, and the costs, as JSON")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/cost.md")
    given = parser.parse_args()
    if min(given.rate, given.interval) <= 0 or given.round_trip < 0:
        parser.error("--rate and --interval are above 0, --round-trip is 0 or more")
    logging.getLogger("logferry").setLevel(logging.ERROR)  # the collector that takes everything answers no health check
    found = {name: measure(name, _QUICK if given.quick else _RAW) for name in _LOGS}
    size = given.rate * given.interval / 1000
    text = "\n".join(_page(found, size, given.round_trip, given))
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(json.dumps(_facts(found, size, given.round_trip), indent=2) + "\n", encoding="utf-8")
    if given.docs:
        _put(text)


def _page(found: dict[str, tuple[Work, Idle]], size: float, trip: float, given: argparse.Namespace) -> Iterator[str]:
    machine = report.machine()
    yield f"{machine['cpu']}, Python {machine['python']}. Prices of {formula.prices()['as_of']}."
    yield ""
    yield (
        "| logs | CPU-s a GB | pulls a GB | sends a GB | table writes a GB | CPU-ms a call | requests a call | "
        "table reads, writes a call |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, (work, _) in found.items():
        yield (
            f"| {name} | {work.cpu_gb:.1f} | {work.pulls_gb:.0f} | {work.sends_gb:.0f} | {work.writes_gb:.0f} | "
            f"{work.cpu_call * 1000:.0f} | {work.asks_call:.0f} | {work.reads_call:.0f}, {work.writes_call:.0f} |"
        )
    yield ""
    yield (
        f"US dollars for a GB of raw logs that come with {given.rate:g} MB/s in a shard, a call each "
        f"{given.interval:g} s ({size * 1000:g} MB a call), {trip * 1000:g} ms a request:"
    )
    yield ""
    yield "| logs | where | billed s a GB | compute | calls | table | log service | whole |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for name, (work, _) in found.items():
        for where, cost in _costs(work, size, trip):
            parts = " | ".join(f"{part:.5f}" for part in (cost.compute, cost.calls, cost.table, cost.log_service))
            yield f"| {name} | {where} | {cost.seconds:.0f} | {parts} | {cost.whole:.5f} |"
    yield ""
    yield from _idle_rows(found["waf"][1], trip)


def _idle_rows(idle: Idle, trip: float) -> Iterator[str]:
    """A stream where nothing comes, on AWS: there the timer looks, once a minute; on Function Compute nothing rings."""
    price = formula.prices()["aws"]
    seconds = idle.cpu * price["full_vcpu_mb"] / 512 + (idle.asks + idle.reads + idle.writes) * trip
    call = seconds * 0.5 * price["gb_second"] + price["call"]
    call += idle.reads * price["table_read"] + idle.writes * price["table_write"]
    yield (
        f"An idle task of one shard on AWS, looked at each minute by `sweep` (512 MB): {idle.cpu * 1000:.0f} CPU-ms, "
        f"{idle.asks} requests, {idle.reads} table reads and {idle.writes} writes a look, "
        f"{call * 1440:.4f} dollars a day."
    )


def _costs(work: Work, size: float, trip: float) -> Iterator[tuple[str, Cost]]:
    for memory in _LAMBDA:
        yield f"Lambda, {memory} MB", formula.aws(work, memory, size, trip)
    for vcpu, memory in _FC:
        yield f"Function Compute, {vcpu:g} CPU, {memory} MB", formula.fc(work, Place(memory, vcpu, size, trip))


def _facts(found: dict[str, tuple[Work, Idle]], size: float, trip: float) -> dict[str, object]:
    return {
        name: {
            "work": work._asdict(), "idle": idle._asdict(),
            "costs": {where: {**cost._asdict(), "whole": cost.whole} for where, cost in _costs(work, size, trip)},
        }
        for name, (work, idle) in found.items()
    }  # fmt: skip


def _put(text: str) -> None:
    page = ROOT / "docs/cost.md"
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"docs/cost.md: has no lines {_BEGIN.strip()} and {_END.strip()}")
    page.write_text(before + begin + text + "\n" + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
