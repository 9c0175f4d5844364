"""`logferry package`: the zips that both clouds are given."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from logferry_local import checkout, packaging

if TYPE_CHECKING:
    from logferry_local.packaging.sizes import Load

__all__ = ["register"]

Python = Annotated[str, typer.Option(help="Python version of the functions, or `host` for the one running this.")]
Out = Annotated[Path, typer.Option(help="Folder for the zips.")]
Only = Annotated[list[str], typer.Option(help="Build only this package, such as layer-core; may be repeated.")]
Sizes = Annotated[
    bool, typer.Option("--sizes", help="Also what each function's zip and layers come to; 1 over budget.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("package")(package)


def package(
    *,
    python: Python = packaging.TARGET,
    out: Out = Path("dist"),
    only: Only = [],  # noqa: B006  # typer's way; never changed
    sizes: Sizes = False,
    as_json: Json = False,
) -> None:
    """Build layers and functions as zips, the same bytes each time; of all of them, a bill of materials beside them."""
    from logferry_local.packaging import sbom
    from logferry_local.packaging.sizes import loads, over

    built = packaging.build(checkout.root(), out, python=python, only=only)
    if not only:
        sbom.write(checkout.root(), built, python, out)
    rows = loads(checkout.root(), built) if sizes else []
    if as_json:
        packages = [_described(made) for made in built]
        found = {
            "python": python,
            "packages": packages,
            **({"functions": [_weighed(row) for row in rows]} if sizes else {}),
        }
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _table(built)
        if sizes:
            _weights(built, rows)
    for problem in over(rows):
        sys.stderr.write(problem + "\n")
    if over(rows):
        raise typer.Exit(1)


def _described(made: packaging.Package) -> dict[str, object]:
    sizes = {"files": len(made.files), "unpacked": made.unpacked, "packed": made.packed}
    return {"name": made.name, "path": str(made.path), **sizes, "sha256": made.sha256, "compiled": made.compiled}


def _weighed(row: "Load") -> dict[str, object]:
    return {**row._asdict(), "budget": row.budget}


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


def _weights(built: list[packaging.Package], rows: list["Load"]) -> None:
    """A function's sum against its budget, and what is great in each zip."""
    from rich.console import Console
    from rich.table import Table

    from logferry_local.packaging.sizes import largest

    table = Table("function", "cloud", "layers", "MB zipped", "budget", "MB unpacked")
    for row in rows:
        names = " ".join(name.removeprefix("layer-") for name in row.layers)
        budget = f"{row.budget / 1e6:g}" if row.budget else ""
        table.add_row(row.function, row.cloud, names, f"{row.packed / 1e6:.2f}", budget, f"{row.unpacked / 1e6:.2f}")
    Console().print(table)
    parts = Table("package", "its greatest parts, MB unpacked")
    for made in built:
        if made.unpacked > 1e5:
            parts.add_row(made.name, ", ".join(f"{name} {size / 1e6:.2f}" for name, size in largest(made)))
    Console().print(parts)
