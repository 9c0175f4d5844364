"""`logferry triggers run`: the triggers of `s.yaml` on this machine, as the platform would fire them."""

import json
import math
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from logferry import registry, task_files
from logferry.errors import ConfigError
from logferry_local import checkout
from logferry_local.trigger_runner import Firing
from logferry_local.trigger_runner.assembly import Plan, assemble
from logferry_local.trigger_runner.logstores import cursors_of
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.runner import Settings, TriggerRunner

__all__ = ["register"]

File = Annotated[Path | None, typer.Option(help="Deploy file; default: the checkout's s.yaml.")]
Endpoint = Annotated[str | None, typer.Option(help="SLS endpoint; default: the region's own, as the platform has it.")]
Variable = Annotated[list[str], typer.Option("--var", help="NAME=VALUE in place of vars.NAME; may be repeated.")]
Start = Annotated[Literal["begin", "end"], typer.Option("--from", help="Where a trigger that never ran starts.")]
Once = Annotated[bool, typer.Option("--once", help="Each shard with new data once, each timer once, then exit.")]
Idle = Annotated[bool, typer.Option("--until-idle", help="Logs and objects, without waiting, until nothing is new.")]
Seconds = Annotated[float, typer.Option(min=0, help="Stop after that long.")]
Place = Annotated[Path, typer.Option(help="Where ranges go on after a restart.")]
Folders = Annotated[list[Path], typer.Option("--folder", help="Passes for the bucket of its name; may be repeated.")]
Inside = Annotated[bool, typer.Option("--in-process", help="Call functions in this process.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a call.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Fire triggers on this machine.", no_args_is_help=True)
    group.callback()(lambda: None)  # keeps `run` a command of its own while it is the only one
    group.command("run")(run)
    app.add_typer(group, name="triggers")


def run(  # noqa: PLR0913  # a command's options
    *,
    file: File = None,
    endpoint: Endpoint = None,
    var: Variable = [],  # noqa: B006  # typer's way; never changed
    start: Start = "end",
    once: Once = False,
    until_idle: Idle = False,
    seconds: Seconds = math.inf,
    positions: Place = Path(".logferry/triggers.json"),
    folder: Folders = [],  # noqa: B006  # as above
    in_process: Inside = False,
    as_json: Json = False,
) -> None:
    """Fire log triggers, timers, and triggers for objects that are put, until Ctrl-C, or as the options say."""
    root = checkout.root()
    plan = Plan(
        file=file or root / "s.yaml", functions=root / "functions", environ=os.environ, endpoint=endpoint,
        variables=_variables(var), in_process=in_process,
    )  # fmt: skip
    troubles: list[str] = []

    def trouble(text: str) -> None:
        troubles.append(text)
        sys.stderr.write(f"{text}\n")

    settings = Settings(
        positions=Positions(positions), start=start, folders=_folders(os.environ, folder),
        note=_json if as_json else _line, trouble=trouble,
    )  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a shell's background job starts with it ignored
        signal.signal(number, _stop)
    runner = assemble(plan, cursors_of(os.environ), settings)
    try:
        failed = _fire(runner, once=once, until_idle=until_idle, seconds=seconds)
    except KeyboardInterrupt:
        failed = False
    finally:
        runner.close()
    if failed or (troubles and (once or until_idle)):
        raise typer.Exit(1)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fire(runner: TriggerRunner, *, once: bool, until_idle: bool, seconds: float) -> bool:
    """Whether any call was given up."""
    if once or until_idle:
        fired = runner.run_until_idle() if until_idle else [*runner.fire_once(), *runner.fire_timers()]
        return not all(firing.ok for firing in fired)
    runner.run(seconds=seconds)
    return False


def _json(firing: Firing) -> None:
    sys.stdout.write(json.dumps(firing._asdict()) + "\n")
    sys.stdout.flush()


def _line(firing: Firing) -> None:
    where = f" shard {firing.shard} [{firing.begin}, {firing.end})" if firing.shard is not None else ""
    where = f" {firing.key}" if firing.key else where
    word = "done" if firing.ok else "given up"
    reply = (
        firing.reply if isinstance(firing.reply, str) else json.dumps(firing.reply.get("errorMessage", firing.reply))
    )
    sys.stdout.write(f"{firing.trigger} -> {firing.function}{where}: {word} (call {firing.attempts}): {reply}\n")
    sys.stdout.flush()


def _folders(environ: Mapping[str, str], given: Sequence[Path]) -> dict[str, Path]:
    """Folders by the bucket that each passes for: those given, and the configuration bucket's, unless that is real."""
    place = registry.locate("objects", task_files.place(environ))
    found = {path.expanduser().absolute().name: path.expanduser().absolute() for path in given}
    if not hasattr(place.module, "folder_of"):
        return found
    return found | {place.module.place_of(place.location)[0]: place.module.folder_of(place.location)}


def _variables(given: list[str]) -> dict[str, str]:
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise ConfigError([f"--var: {text!r}, expected NAME=VALUE" for text in wrong], subject="triggers run")
    return dict(text.split("=", 1) for text in given)
