"""`logferry sls groups …`: consumer groups of a logstore: list, show, delete. A logstore has 30 at most."""

import json
from typing import Annotated

import typer

from logferry.sls.consumer_group import ConsumerGroup
from logferry_local.asking import confirm
from logferry_local.group_report import find, group_row, shard_rows
from logferry_local.sls_place import DEFAULT, AsJson, Endpoint, InLogstore, InProject, opened
from logferry_local.task_view import print_rows

__all__ = ["register"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The consumer group's name.")]
_GROUP = ("name", "timeout", "order", "shards", "updated", "consumers")
_SHARD = ("shard", "lag", "received", "consumer", "updated", "checkpoint", "note")


def register(app: typer.Typer) -> None:
    """Add `groups` with its subcommands."""
    group = typer.Typer(help="Consumer groups of a logstore: list, show, delete.", no_args_is_help=True)
    group.command("list")(list_groups)
    group.command("show")(show)
    group.command("delete")(delete)
    app.add_typer(group, name="groups")


def list_groups(
    *, project: InProject, logstore: InLogstore, endpoint: Endpoint = DEFAULT, as_json: AsJson = False
) -> None:
    """List the groups: time-out in seconds, order, shards held, last checkpoint, consumers."""
    with opened(endpoint, project, logstore, "sls groups list") as source:
        found = [group_row(source, one) for one in ConsumerGroup(source.logstore, "").listed()]
    if as_json:
        typer.echo(json.dumps({"groups": found}))
        return
    print_rows(_GROUP, [[*(one[name] for name in _GROUP[:-1]), ", ".join(one["consumers"])] for one in found])


def show(
    name: Name, *, project: InProject, logstore: InLogstore, endpoint: Endpoint = DEFAULT, as_json: AsJson = False
) -> None:
    """Show one group, shard by shard: checkpoint, when its log was received, consumer, last update, lag in seconds."""
    with opened(endpoint, project, logstore, "sls groups show") as source:
        found = find(source, name, "sls groups show")
        rows = shard_rows(source, name)
    if as_json:
        typer.echo(json.dumps({"name": name, "timeout": found.timeout, "order": found.order, "shards": rows}))
        return
    print_rows(_SHARD, [["" if row[column] is None else row[column] for column in _SHARD] for row in rows])


def delete(
    name: Name,
    *,
    project: InProject,
    logstore: InLogstore,
    endpoint: Endpoint = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a group with its checkpoints. Who still consumes with it begins where it was told to begin."""
    with opened(endpoint, project, logstore, "sls groups delete") as source:
        find(source, name, "sls groups delete")
        confirm(f"delete the consumer group {name} with its checkpoints?", yes=yes, subject="sls groups delete")
        ConsumerGroup(source.logstore, name).delete()
    typer.echo(f"{name}: deleted")
