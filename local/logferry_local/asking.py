"""Asks a person, once, before what cannot be undone."""

import sys

import typer

from logferry.errors import ConfigError

__all__ = ["confirm"]


def confirm(question: str, *, yes: bool, subject: str) -> None:
    """Go on after a yes, end with exit code 1 after a no; ConfigError where there is nobody to ask."""
    if yes:
        return
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        if sys.stdin is not None and sys.stdin.isatty():  # Ctrl-C
            raise
        raise ConfigError(["nobody can be asked here: needs --yes"], subject=subject) from None
    if not agreed:
        typer.echo("nothing was done", err=True)
        raise typer.Exit(1)
