"""`logferry sls shards …`: shards of a logstore: list, split, merge."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from logferry.errors import ConfigError
from logferry.sls.logstore import Shard
from logferry_local.sls_place import DEFAULT, AsJson, Endpoint, InLogstore, InProject, moment, opened
from logferry_local.task_view import print_rows

__all__ = ["register"]

Number = Annotated[int, typer.Argument(metavar="SHARD", min=0, help="The shard's number.")]
_COLUMNS = ("shard", "status", "begin_key", "end_key", "created")


def register(app: typer.Typer) -> None:
    """Add `shards` with its subcommands."""
    group = typer.Typer(help="Shards of a logstore: list, split, merge.", no_args_is_help=True)
    group.command("list")(list_shards)
    group.command("split")(split)
    group.command("merge")(merge)
    app.add_typer(group, name="shards")


def list_shards(
    *, project: InProject, logstore: InLogstore, endpoint: Endpoint = DEFAULT, as_json: AsJson = False
) -> None:
    """List the shards: who takes which keys, and who was split or merged and takes no more."""
    with opened(endpoint, project, logstore, "sls shards list") as source:
        _print(source.logstore.list_shards(), as_json=as_json)


def split(  # noqa: PLR0913  # one argument an option
    shard: Number,
    *,
    project: InProject,
    logstore: InLogstore,
    endpoint: Endpoint = DEFAULT,
    at: Annotated[
        str, typer.Option(metavar="KEY", help="First key of the right one, 32 hexadecimal digits; default: the middle.")
    ] = "",
    into: Annotated[int, typer.Option(min=2, max=256, help="How many equal parts.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Split a shard. It stays readable; the new ones take the logs from now on."""
    if at and into != 2:
        raise ConfigError(["--into: a key parts in two, leave one of --at and --into out"], subject="sls shards split")
    with opened(endpoint, project, logstore, "sls shards split") as source:
        _print(source.logstore.split_shard(str(shard), at, into), as_json=as_json)


def merge(
    shard: Number, *, project: InProject, logstore: InLogstore, endpoint: Endpoint = DEFAULT, as_json: AsJson = False
) -> None:
    """Merge a shard with its right neighbour. Both stay readable; the new one takes the logs from now on."""
    with opened(endpoint, project, logstore, "sls shards merge") as source:
        _print(source.logstore.merge_shard(str(shard)), as_json=as_json)


def _print(shards: Sequence[Shard], *, as_json: bool) -> None:
    rows = [
        {
            "shard": int(one.name),
            "status": "readwrite" if one.writable else "readonly",
            "begin_key": f"{one.begin_key:032x}",
            "end_key": f"{one.end_key:032x}",
            "created": moment(one.created),
        }
        for one in shards
    ]
    if as_json:
        typer.echo(json.dumps({"shards": rows}))
    else:
        print_rows(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])
