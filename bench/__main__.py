"""`python -m bench [--quick] [--json FILE] [--docs] [CASE…]`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench import brokers, central, cold, fresh, objects, posts, rates, report, stores, workers
from bench.measure import Row
from bench.receivers import ROOT
from bench.scale import FULL, QUICK, Scale

__all__ = ["CASES", "main", "run"]

CASES: dict[str, tuple[Callable[[str, Scale], list[Row]], tuple[str, ...]]] = {
    "decode": (rates.decode, ("waf", "small")),
    "hec": (rates.hec, ("waf", "small")),
    "syslog": (rates.syslog, ("waf", "small")),
    "http": (posts.http, ("waf", "small")),
    "s3": (objects.s3, ("waf", "small")),
    "sls": (central.sls, ("waf", "small")),
    "kafka": (brokers.kafka_topic, ("waf", "small")),
    "select": (rates.select, ("waf",)),
    "memory": (fresh.memory, ("waf", "small")),
    "cold": (cold.cold, ("",)),
    "pull": (stores.pull, ("waf", "small")),
    "worker": (workers.speed, ("waf",)),
    "hanging": (workers.hanging, ("waf",)),
    "isolation": (workers.isolation, ("waf",)),
}


def run(names: Sequence[str], scale: Scale) -> Iterator[Row]:
    """The rows of these cases, as they are measured."""
    for name in names:
        case, kinds = CASES[name]
        for corpus in kinds:
            yield from case(corpus, scale)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench", description="Speed and memory, as ratios within one run.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="less work: about a minute, less to be trusted")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as JSON")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    unknown = [name for name in given.cases if name not in CASES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(CASES)}")
    rows = []
    for row in run(given.cases or list(CASES), QUICK if given.quick else FULL):
        sys.stderr.write(f"{row.case} {row.corpus} {row.way}: {row.value:.2f} {row.unit}\n")
        rows.append(row)
    found = report.Report(machine=report.machine(), rows=rows)
    report.table(found)
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    if given.docs:
        report.put_into(ROOT / "docs/performance.md", found)


if __name__ == "__main__":
    main()
