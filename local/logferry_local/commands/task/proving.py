"""Whose destination it is: `challenge` and `verify`."""

import json
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from logferry.control import Control
from logferry.errors import ConfigError
from logferry.runtime import log_lines
from logferry_local import proof_view

__all__ = ["COMMANDS"]

_STDIN, _MOST = "-", 4096  # characters of a token's file

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The task's name.")]
Token = Annotated[
    str | None, typer.Argument(metavar="[TOKEN]", help="The text of the token's file; - reads it from standard input.")
]
Auto = Annotated[bool, typer.Option("--auto", help="Read the token back, or have the receiver answer with a nonce.")]


def challenge(name: Name, *, as_json: Json = False) -> None:
    """Place another token for a task that is pending. The one before is worth nothing then."""
    with Control() as control:
        proof = control.challenge(name)
        task = control.show(name).stored.task()
    if as_json:
        typer.echo(json.dumps({"task": name, "state": "pending", "proof": proof_view.facts(task, proof)}))
    else:
        typer.echo("\n".join(proof_view.lines(task, proof)))


def verify(name: Name, token: Token = None, *, auto: Auto = False, as_json: Json = False) -> None:
    """Prove that a task's destination is yours: with the token that was put there, or --auto."""
    if (token is None) is not auto:
        raise ConfigError(["expected a token, or --auto to read it back"], subject="task verify")
    if token == _STDIN:
        token = sys.stdin.read(_MOST)
    with log_lines.shown("task verify", log_lines.level(os.environ)), Control() as control:
        before = control.show(name).stored.state
        state = control.verify(name, token)
    if as_json:
        typer.echo(json.dumps({"task": name, "state": state, "proved": before == "pending"}))
    elif before == "pending":
        typer.echo(f"{name}: ownership proved, {state}")
    else:
        typer.echo(f"{name}: {state} already, there is nothing to prove")


COMMANDS: dict[str, Callable[..., None]] = {"challenge": challenge, "verify": verify}
