"""`logferry invoke`: calls a function once, as its cloud would, in a process of its own."""

import json
import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from logferry.errors import ConfigError
from logferry.runtime import events
from logferry.sls import trigger
from logferry_local import checkout
from logferry_local.platforms import Function, Result, Runner
from logferry_local.platforms.instance import Instance
from logferry_local.trigger_runner import LogTrigger
from logferry_local.trigger_runner.logstores import cursors_of

__all__ = ["register"]

Cloud = Literal["fc", "fc-python3.10", "aws", "awslambdaric"]
Name = Annotated[str, typer.Argument(help="The function: a folder below functions/, such as forward.")]
Event = Annotated[Path, typer.Option(help="A file with the event, such as events/forward/sls_trigger.fc.json.")]
Contract = Annotated[Cloud | None, typer.Option(help="Whose way; else fc or aws, as the file's name says.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds until the platform would end the call.")]
ToEnd = Annotated[bool, typer.Option("--to-end", help="Let the event's range end where its shard ends now.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object: ok, reply, seconds.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("invoke")(invoke)


def invoke(
    name: Name, *, event: Event, cloud: Contract = None, timeout: Timeout = 600.0, to_end: ToEnd = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Call a function with an event file. Exit code 1: it failed, or it reports tasks that cannot work."""
    contract = cloud or ("aws" if event.name.endswith(".aws.json") else "fc")
    function = Function(name=name, code=_code(name), timeout=timeout)
    body = _up_to_now(_body(event), os.environ) if to_end else _body(event)
    started = time.monotonic()
    instance = _instance(function, contract)
    try:
        result = instance.invoke(body, str(uuid.uuid4()))
    finally:
        instance.close()
    _print(result, time.monotonic() - started, as_json=as_json)
    if not result.ok or _troubled(result.reply):
        raise typer.Exit(1)


def _instance(function: Function, contract: Cloud) -> Runner:
    if contract != "awslambdaric":
        return Instance(function, contract, os.environ)
    from logferry_local.platforms.lambda_instance import LambdaInstance, client_folder

    client = client_folder()
    if client is None:
        raise ConfigError(["--cloud: awslambdaric is not installed (pip install awslambdaric)"], subject="invoke")
    return LambdaInstance(function, os.environ, client)


def _troubled(reply: Any) -> bool:  # noqa: ANN401  # whatever the function returned, on Function Compute as text
    """Whether tasks are held or their source cannot be read: `sweep` returns all the same, since it comes again."""
    try:
        said = json.loads(reply) if isinstance(reply, str) else reply
    except ValueError:
        return False
    return isinstance(said, dict) and any(said.get(key) for key in ("errors", "held"))


def _up_to_now(body: bytes, environ: Mapping[str, str]) -> bytes:
    """The same doorbell, rung for everything that is in the shard by now."""
    event = events.decode(body)
    bell = trigger.parse(event)
    watched = LogTrigger(name="", function="", endpoint=bell.endpoint, project=bell.project, logstore=bell.logstore)
    cursors = cursors_of(environ)(watched)
    try:
        end = cursors.cursor(int(bell.shard), "end")
    finally:
        cursors.close()
    assert isinstance(event, dict)  # parse has seen to it
    return json.dumps({**event, "source": {**event["source"], "endCursor": end}}).encode()


def _print(result: Result, seconds: float, *, as_json: bool) -> None:
    reply = result.reply
    if as_json:
        found = json.dumps({"ok": result.ok, "reply": reply, "seconds": round(seconds, 3)})
    else:
        if not result.ok and isinstance(reply, dict):  # the stack is for machines; a person reads what was wrong
            reply = {key: value for key, value in reply.items() if key != "stackTrace"}
        found = reply if isinstance(reply, str) else json.dumps(reply, indent=2)
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
