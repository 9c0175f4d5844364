"""`logferry filter import`: a filter of ESA or Logpush as the stages of a task."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from logferry import categories, filter_forms
from logferry.errors import ConfigError
from logferry_local.filter_view import dump

__all__ = ["register"]

_MOST = (1 << 20) + 1  # bytes that are read: one more than are taken


class Entries(StrEnum):
    """How rules of `esa_v1` are joined."""

    all = "all"
    any = "any"


File = Annotated[str, typer.Argument(metavar="FILE", help="The filter in JSON; - reads standard input.")]
Form = Annotated[str | None, typer.Option(help="esa_v1, esa_v2 or logpush; default: told from the file.")]
Rate = Annotated[str | None, typer.Option(help="ESA's DiscardRate: the share that is dropped, 0 to below 1.")]
Joined = Annotated[Entries, typer.Option(help="For esa_v1: whether all rules must hold, or any.")]
Known = Annotated[str | None, typer.Option(help="Check names and types of fields against this category of logs.")]


def register(app: typer.Typer) -> None:
    """Add `filter` with its subcommand."""
    group = typer.Typer(help="Filters that were written elsewhere.", no_args_is_help=True)
    group.callback()(_group)
    group.command("import")(import_filter)
    app.add_typer(group, name="filter")


def _group() -> None:
    """Filters that were written elsewhere."""


def import_filter(
    file: File, *, form: Form = None, discard_rate: Rate = None, entries: Joined = Entries.all, category: Known = None
) -> None:
    """Print a filter of ESA (v1, v2) or Logpush as the YAML of a task: its stages."""
    kind = categories.find(category) if category else None
    found = filter_forms.read(
        _read(file), form=form, discard_rate=discard_rate, entries=entries.value, category=kind
    )  # fmt: skip
    sys.stdout.write(dump(found))


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(_MOST)
    if Path(file).is_dir():
        raise ConfigError([f"{file} is a folder"], subject="filter import")
    with Path(file).open("rb") as opened:
        return opened.read(_MOST)
