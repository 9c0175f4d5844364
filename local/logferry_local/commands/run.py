"""`logferry run`: delivery tasks as a worker on this host, in consumer groups, until it is told to stop."""

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from logferry import times, wiring
from logferry.errors import ConfigError, Misconfigured
from logferry.meter import SILENT, Meter
from logferry.runtime import log_lines
from logferry.task import Task
from logferry_local import proof_view

if TYPE_CHECKING:
    from logferry_local.worker import Worker

__all__ = ["register"]

_STOPS = {signal.SIGTERM, signal.SIGINT}
_CONSUMER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}"


def register(app: typer.Typer) -> None:
    """Add `run`."""
    app.command("run")(run)


def run(  # noqa: PLR0913  # one argument an option
    tasks: Annotated[list[str], typer.Argument(metavar="TASK", help="Tasks by name, or task files to apply first.")],
    *,
    consumer: Annotated[str, typer.Option(help="Name in the group, unlike any other. Default: GROUP-HOST-PID.")] = "",
    group: Annotated[
        str, typer.Option(envvar="SLS_CG", help="Consumer group of the only task. Default: logferry-TASK.")
    ] = "",
    heartbeat: Annotated[
        float, typer.Option(min=0.5, max=3600, help="Seconds; the group's time-out is twice it.")
    ] = 20,
    interval: Annotated[float, typer.Option(min=0.05, max=60, help="Seconds between two looks for new logs.")] = 1,
    log_file: Annotated[
        Path | None, typer.Option(help="Log there, 100 MB x 5, the process number in the name; else standard error.")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics for Prometheus, and /healthz; 0: any free port."),
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address to serve them on.")] = "127.0.0.1",
    print_policy: Annotated[bool, typer.Option("--print-policy", help="Print the least RAM policy, and end.")] = False,
) -> None:
    """Deliver as a worker: any number of them share the shards, one that dies is replaced. Ends at SIGTERM."""
    from logferry_local.worker import Member, Worker, enlisting
    from logferry_local.worker.journal import journal
    from logferry_local.worker.policy import policy

    if consumer and not re.fullmatch(_CONSUMER, consumer):
        raise ConfigError([f"--consumer: {consumer[:210]!r} is not 1-200 letters, digits, _, . and -"], subject="run")
    found = _enlisted(tasks, dry=print_policy)
    groups = enlisting.groups(found, group, "--group (SLS_CG)")
    if print_policy:
        typer.echo(json.dumps(policy(found, groups), indent=2))
        return
    # A service's log tells of its life; a function's, of which there are thousands, only of trouble.
    least = log_lines.level({"LOGFERRY_LOG_LEVEL": "info", **os.environ})
    with journal(log_file, least), _signals_kept():
        worker = Worker(groups, Member(consumer, heartbeat, interval), os.environ)
        with _listening(worker, metrics_host, metrics_port) as listener:
            worker.start(listener)
            for name, its_group in groups.items():
                typer.echo(f"{name}: at work in consumer group {its_group}")
            _wait(worker)


def _enlisted(words: list[str], *, dry: bool) -> list[Task]:
    """The tasks that are to run; what a person should know of them goes to standard error."""
    from logferry_local.worker import enlisting

    table = wiring.open_table(os.environ)
    try:
        found = enlisting.enlist(words, table, os.environ, dry=dry)
        waiting = [line for task in found for line in proof_view.waiting(task, table)]
    finally:
        table.close()
    if not dry:
        notes = [f"{task.task}: start: {note}" for task in found if (note := times.assumption(task.start))]
        sys.stderr.writelines(f"{line}\n" for line in (*notes, *waiting))
    return found


@contextmanager
def _listening(worker: "Worker", host: str, port: int | None) -> Iterator[Meter]:
    """Who is told what the worker delivers: Prometheus, if a port is given."""
    if port is None:
        yield SILENT
        return
    from logferry_local.exporter import Exporter

    exporter = Exporter(lambda: not worker.over)
    with exporter.serving(host, port) as address:
        typer.echo(f"metrics on {address}/metrics")
        yield exporter


@contextmanager
def _signals_kept() -> Iterator[None]:
    """No thread is interrupted: a handler may come while its thread holds the very lock that it needs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(worker: "Worker") -> None:
    """Until a signal comes, or every post has ended; then end gently. A second signal ends the process at once."""
    done = threading.Event()
    threading.Thread(target=_wake_when_over, args=(worker, done), daemon=True).start()
    signal.sigwait(_STOPS)
    done.set()
    over = worker.over
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    worker.stop()
    if over:
        raise Misconfigured("every task has lost its place in its consumer group; the log says to whom")


def _wake_when_over(worker: "Worker", done: threading.Event) -> None:
    while not done.wait(1.0):
        if worker.over:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            return
