"""`logferry sink NAME --port P --out FILE`: a test receiver in the foreground, until SIGTERM or Ctrl-C."""

import importlib
import inspect
import pkgutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args

import msgspec
import typer

from logferry import config
from logferry.errors import Misconfigured
from logferry_local import sinks

__all__ = ["register"]

Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port; the address is printed.")]
Out = Annotated[Path, typer.Option(help="What was received, appended.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


def register(app: typer.Typer) -> None:
    """Add `sink`, with one command for each file of `sinks/`."""
    group = typer.Typer(help="Run a test receiver in the foreground.", no_args_is_help=True)
    for found in sorted(pkgutil.iter_modules(sinks.__path__), key=lambda module: module.name):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"logferry_local.sinks.{found.name}")
            group.command(found.name, help=(module.__doc__ or "").partition("\n")[0])(_command(found.name, module))
    app.add_typer(group, name="sink")


def _command(name: str, module: ModuleType) -> Callable[..., None]:
    """A function whose parameters are the shared ones and the sink's own `Options`."""

    def run(**given: Any) -> None:  # noqa: ANN401  # the command line's values, checked by config.load
        place = sinks.Place(out=given.pop("out"), host=given.pop("host"), port=given.pop("port"))
        _serve(name, module, place, config.load(module.Options, given, subject=f"sink {name}"))

    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("port", keyword, annotation=Port),
        inspect.Parameter("out", keyword, annotation=Out),
        inspect.Parameter("host", keyword, annotation=Host, default="127.0.0.1"),
    ]
    own = [_parameter(field) for field in msgspec.structs.fields(module.Options)]
    run.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]  # typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*shared, *own]}
    return run


def _parameter(field: msgspec.structs.FieldInfo) -> inspect.Parameter:
    notes = [note for note in get_args(field.type)[1:] if isinstance(note, msgspec.Meta)]
    kind = get_args(field.type)[0] if notes else field.type
    # The name is given, else typer makes a --no-… of each switch.
    option = typer.Option(f"--{field.name.replace('_', '-')}", help=(notes[0].description or "") if notes else "")
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, option], default=field.default
    )


def _serve(name: str, module: ModuleType, place: sinks.Place, options: config.Config) -> None:
    # Waited for, not handled: a handler may come while this thread holds the very lock that it needs.
    stops = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # the sink's own threads inherit it
    try:
        sink = _open(name, module, place, options)
        typer.echo(f"{name} sink listening on {sink.address}, writing to {place.out}")
        try:
            signal.sigwait(stops)
        finally:
            sink.close()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _open(name: str, module: ModuleType, place: sinks.Place, options: config.Config) -> sinks.Sink:
    try:
        opened: sinks.Sink = module.open_sink(place, options)
    except OSError as error:
        what = error.filename or f"cannot listen on {place.host}:{place.port}"
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is told already
        raise Misconfigured(f"sink {name}: {what}: {reason}") from None
    return opened
