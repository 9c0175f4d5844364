"""`logferry invoke`: calls a function once, as its cloud would, in a process of its own."""

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated, Literal

import typer

from logferry.errors import ConfigError
from logferry_local import checkout
from logferry_local.platforms import Function, Result
from logferry_local.platforms.instance import Instance

__all__ = ["register"]

Cloud = Literal["fc", "aws"]
Name = Annotated[str, typer.Argument(help="The function: a folder below functions/, such as forward.")]
Event = Annotated[Path, typer.Option(help="A file with the event, such as events/forward/sls_trigger.fc.json.")]
Contract = Annotated[Cloud | None, typer.Option(help="fc or aws; without it what the file's name says, else fc.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds until the platform would end the call.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object: ok, reply, seconds.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("invoke")(invoke)


def invoke(
    name: Name,
    event: Event,
    cloud: Contract = None,
    timeout: Timeout = 600.0,
    as_json: Json = False,  # noqa: FBT002  # an option
) -> None:
    """Call a function with an event file; exit 1 if it fails. Its log goes to standard error."""
    contract = cloud or ("aws" if event.name.endswith(".aws.json") else "fc")
    function = Function(name=name, code=_code(name), timeout=timeout)
    started = time.monotonic()
    instance = Instance(function, contract, os.environ)
    try:
        result = instance.invoke(_body(event), str(uuid.uuid4()))
    finally:
        instance.close()
    _print(result, time.monotonic() - started, as_json=as_json)
    if not result.ok:
        raise typer.Exit(1)


def _print(result: Result, seconds: float, *, as_json: bool) -> None:
    if as_json:
        found = json.dumps({"ok": result.ok, "reply": result.reply, "seconds": round(seconds, 3)})
    else:
        found = result.reply if isinstance(result.reply, str) else json.dumps(result.reply, indent=2)
    sys.stdout.write(found + "\n")


def _code(name: str) -> Path:
    folder = checkout.root() / "functions"
    known = sorted(path.parent.name for path in folder.glob("*/app.py"))
    if name not in known:
        raise ConfigError([f"{name!r} is not one of {', '.join(known)}"], subject="function")
    return folder / name


def _body(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"], subject="event") from None
