"""The main job on one machine: log store, functions and receivers as processes of their own, and a count at the end.

What arrived is counted in the receivers' files by the logs' own ids, apart from everything that sent them.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from logferry import wiring
from logferry_local import ledger_report
from logferry_local.demo import arrivals, forwarding, loading
from logferry_local.demo.outcome import Outcome, TaskOutcome
from logferry_local.demo.site import HEC, SYSLOG, Site

__all__ = ["MOST_RECORDS", "Options", "Outcome", "Progress", "TaskOutcome", "run"]

MOST_RECORDS = 2_000_000
Progress = Callable[[str, int, int], None]  # (what, done, of), from any thread


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much, and which logs."""

    records: int = 20_000
    seed: int = 1
    hec_faults: Path | None = None  # answers that the Splunk receiver gives first: docs/sinks.md


def run(
    folder: Path,
    options: Options,
    *,
    progress: Progress = lambda _what, _done, _of: None,
    before_counting: Callable[[Mapping[str, Path]], None] = lambda _files: None,
) -> Outcome:
    """Everything, in an empty folder. `before_counting` is handed each task's file: for tests that harm them.

    StateError if a part does not start or does not end its work in time; every process is ended in any case.
    """
    started = time.monotonic()
    site = Site(folder)
    with ExitStack() as stack:
        stack.callback(wiring.dismiss)
        site.open(stack, options.hec_faults)
        logstore = stack.enter_context(closing(loading.open_logstore(site)))
        ids = loading.load(logstore, options.records, options.seed, progress)
        for task in (HEC, SYSLOG):
            site.apply(task)
        with arrivals.watched(site.files, options.records, progress):
            forwarding.forward(site)
            arrivals.settle(site.files, options.records)
        before_counting(site.files)
        shop = wiring.workshop(site.environ)
        checked = ledger_report.report(shop, [], verify=True, tick=_recounted(progress, 2 * options.records))
    return _outcome(site, checked, ids, time.monotonic() - started)


def _recounted(progress: Progress, of: int) -> Callable[[int], None]:
    seen = 0

    def tick(records: int) -> None:
        nonlocal seen
        seen += records
        progress("recounting", seen, of)

    return tick


def _outcome(site: Site, checked: ledger_report.Checked, ids: set[str], seconds: float) -> Outcome:
    """Ledger and files side by side."""
    tasks: dict[str, TaskOutcome] = {}
    problems = list(checked.problems)
    for report in checked.tasks:
        name: str = report["task"]
        found = arrivals.count(name, site.files[name], ids)
        totals = {key: report["totals"][key] for key in ("read", "delivered", "filtered", "sampled_out", "parked")}
        tasks[name] = TaskOutcome(
            **totals, received=found.lines, confirmation=report["confirmation"], streams=len(report["streams"])
        )
        problems += [f"{name}: {problem}" for problem in found.problems]
        if totals["read"] != len(ids):
            problems.append(f"{name}: {len(ids)} records were loaded, the ledger says {totals['read']} were read")
    return Outcome(
        records=len(ids), tasks=tasks, balanced=checked.balanced, seconds=round(seconds, 2), problems=problems,
        endpoint=site.endpoint,
    )  # fmt: skip
