"""`logferry fields`: which categories of logs there are, and which fields each has."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from logferry import categories
from logferry.categories import Category, Field

__all__ = ["register"]

Name = Annotated[str | None, typer.Argument(metavar="[CATEGORY]", help="All categories if none is named.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fields")(fields)


def fields(category: Name = None, *, as_json: Json = False) -> None:
    """List the fields of a category of logs, or the categories."""
    if category is None:
        found = [categories.find(name) for name in categories.names()]
        if as_json:
            _print({"categories": [_about(one) | {"fields": len(one.fields)} for one in found]})
        else:
            _table(("category", "logs", "scope", "fields", "time", "id"), [_row(one) for one in found])
        return
    one = categories.find(category)
    if as_json:
        _print(_about(one) | {"fields": [_field(field) for field in one.fields.values()]})
    else:
        rows = [(field.name, field.type, field.group, _told(field)) for field in one.fields.values()]
        _table(("field", "type", "group", "meaning"), rows)


def _about(one: Category) -> dict[str, Any]:
    return {
        "category": one.name, "title": one.title, "scope": one.scope, "business_type": one.business_type,
        "event_time": one.event_time, "id": one.id, "custom_fields": one.custom_fields, "missing": one.missing,
    }  # fmt: skip


def _field(field: Field) -> dict[str, Any]:
    """A field with the keys of the data files; those that say nothing are left out."""
    told: dict[str, Any] = {"name": field.name, "type": field.type, "group": field.group, "meaning": field.meaning}
    if field.values:
        told["values"] = list(field.values)
    if field.unconfirmed:
        told["unconfirmed"] = True
    return told


def _row(one: Category) -> tuple[str, ...]:
    return (one.name, one.title, one.scope, str(len(one.fields)), one.event_time, one.id or "-")


def _told(field: Field) -> str:
    return f"{field.meaning} (unconfirmed)" if field.unconfirmed else field.meaning


def _print(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; in a pipe, tab-separated lines."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
