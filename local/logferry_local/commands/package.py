"""`logferry package`: the zips that both clouds are given."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from logferry_local import checkout, packaging

__all__ = ["register"]

Python = Annotated[str, typer.Option(help="Python version of the functions, or `host` for the one running this.")]
Out = Annotated[Path, typer.Option(help="Folder for the zips.")]
Only = Annotated[list[str], typer.Option(help="Build only this package, such as layer-core; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("package")(package)


def package(
    *,
    python: Python = packaging.TARGET,
    out: Out = Path("dist"),
    only: Only = [],  # noqa: B006  # typer's way; never changed
    as_json: Json = False,
) -> None:
    """Build layers and functions as zips, the same bytes each time."""
    built = packaging.build(checkout.root(), out, python=python, only=only)
    if as_json:
        rows = [{**made._asdict(), "path": str(made.path), "files": len(made.files)} for made in built]
        sys.stdout.write(json.dumps({"python": python, "packages": rows}) + "\n")
        return
    _table(built)


def _table(built: list[packaging.Package]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("package", "files", "MB unpacked", "MB zipped", "sha256")
    for made in built:
        sizes = (f"{size / 1e6:.2f}" for size in (made.unpacked, made.packed))
        table.add_row(str(made.path), str(len(made.files)), *sizes, made.sha256[:12])
    Console().print(table)
    if not all(made.compiled for made in built):
        sys.stderr.write(
            "No Python of that version is on this machine: the zips hold no bytecode, cold starts are slower.\n"
        )
