"""`logferry demo`: the main job on this machine, from WAF logs in a log store to two receivers, counted."""

import json
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from logferry_local.demo import MOST_RECORDS, Options, Outcome, Progress, run

__all__ = ["register"]

Records = Annotated[int, typer.Option(min=1, max=MOST_RECORDS, help="How many logs.")]
Seed = Annotated[int, typer.Option(help="Which logs: the same seed gives the same.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the folder with everything in it.")]

Faults = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Answers the Splunk receiver gives first (docs/sinks.md)."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    *,
    records: Records = 20_000,
    seed: Seed = 1,
    as_json: Json = False,
    keep: Keep = False,
    hec_faults: Faults = None,
) -> None:
    """Embedded log store -> functions -> Splunk HEC and syslog receivers. Exit code 0: all arrived exactly once."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every child is ended
    options = Options(records=records, seed=seed, hec_faults=hec_faults)
    folder = Path(tempfile.mkdtemp(prefix="logferry-demo-"))
    try:
        with _shown() as progress:
            outcome = run(folder, options, progress=progress)
        if as_json:
            sys.stdout.write(json.dumps(outcome.document()) + "\n")
        else:
            _print(outcome)
            _tell_where(folder, outcome, keep=keep)
        for problem in outcome.problems:
            sys.stderr.write(f"PROBLEM: {problem}\n")
    finally:
        if keep:
            sys.stderr.write(f"kept: {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not outcome.complete:
        raise typer.Exit(1)


@contextmanager
def _shown() -> Iterator[Progress]:
    """Bars on standard error; nothing if that is no terminal."""
    from rich import progress as bars
    from rich.console import Console

    console = Console(stderr=True)
    columns = (bars.TextColumn("{task.description:<14}"), bars.BarColumn(), bars.MofNCompleteColumn(),
               bars.TimeElapsedColumn())  # fmt: skip
    known: dict[str, bars.TaskID] = {}
    lock = threading.Lock()
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as shown:

        def tell(what: str, done: int, of: int) -> None:
            with lock:
                if what not in known:
                    known[what] = shown.add_task(what, total=of)
            shown.update(known[what], completed=done)

        yield tell


def _print(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("", *outcome.tasks, title="The ledger, and what the receivers hold", title_justify="left")
    for key in ("confirmation", "streams", "read", "delivered", "filtered", "sampled_out", "parked", "received"):
        values = [getattr(task, key) for task in outcome.tasks.values()]
        table.add_row(key, *(f"{value:,}" if isinstance(value, int) else value for value in values))
    console.print(table)
    verdict = "every record arrived exactly once, the ledger balances and was recounted at the source"
    console.print(
        f"{outcome.records:,} records, {outcome.seconds:.1f} s: {verdict if outcome.complete else 'NOT COMPLETE'}"
    )


def _tell_where(folder: Path, outcome: Outcome, *, keep: bool) -> None:
    if not keep:
        sys.stdout.write("Everything was in a temporary folder, which is gone: --keep leaves it.\n")
        return
    at, command = shlex.quote(str(folder)), shlex.quote(sys.argv[0])
    port = outcome.endpoint.rpartition(":")[2]
    sys.stdout.write(
        f"Look into {folder}:\n"
        "  received/   what the receivers took, one line a record\n"
        "  tasks/      the two delivery tasks\n"
        "  logs/       what each process had to say\n"
        "  state.db    tasks, positions and ledger; objects/ holds dead letters, sls/ the log store\n"
        "Try:\n"
        f"  . {at}/environment\n"
        f"  {command} sls serve --data {at}/sls --port {port} &\n"
        f"  {command} task list\n"
        f"  {command} ledger --verify\n"
    )
