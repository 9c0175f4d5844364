"""What must be granted so that a task can work: `policy`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from logferry import documents, policies
from logferry import task as tasks
from logferry.control import Control
from logferry.errors import ConfigError
from logferry.policies import Whom
from logferry.task import Task

__all__ = ["COMMANDS"]

Which = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A task's name, or a task file (with . or / in it).")]
Principal = Annotated[str, typer.Option(metavar="ARN", help="The AWS role or user that delivers.")]
Account = Annotated[str, typer.Option(metavar="NUMBER", help="The Alibaba Cloud account of logstore or bucket.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def policy(which: Which, *, principal: Principal = "", account: Account = "", as_json: Json = False) -> None:
    """Print what must be granted for a task: RAM, IAM, bucket, key and trust policies. Asks no cloud."""
    task = _task(which)
    found = policies.of(task, _whom(principal, account))
    if as_json:
        grants = [{"side": side, **grant._asdict()} for side, grant in found]
        typer.echo(json.dumps({"task": task.task, "grants": grants}))
        return
    for side, grant in found:
        typer.echo(f"# {side}: {grant.title}\n# {grant.where}")
        if grant.document is not None:
            typer.echo(json.dumps(grant.document, indent=2))
        typer.echo()


def _task(which: str) -> Task:
    if "." not in which and "/" not in which:
        with Control() as control:
            return control.show(which).stored.task()
    try:
        with Path(which).open("rb") as file:
            return tasks.parse(file.read(documents.MAX_BYTES + 1), subject=which)
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror}"], subject=which) from None


def _whom(principal: str, account: str) -> Whom:
    problems = []
    if principal and not (principal.startswith("arn:") and principal.isprintable() and " " not in principal):
        problems.append(
            f"--principal: {principal[:60]!r} is not an ARN such as arn:aws:iam::123456789012:role/logferry"
        )
    if account and not (account.isascii() and account.isdecimal()):
        problems.append(f"--account: {account[:60]!r} is not an account's number")
    if problems:
        raise ConfigError(problems, subject="task policy")
    return Whom(principal, account)


COMMANDS: dict[str, Callable[..., None]] = {"policy": policy}
