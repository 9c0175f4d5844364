"""`logferry deploy`: every mistake of both deploy files before anything is deployed; the policies of RAM roles."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from logferry_local import checkout

__all__ = ["register"]

Fc = Annotated[Path | None, typer.Option("--fc", help="Function Compute's file; default: the checkout's s.yaml.")]
Aws = Annotated[Path | None, typer.Option("--aws", help="Lambda's file; default: the checkout's template.yaml.")]
Only = Annotated[Literal["fc", "aws"] | None, typer.Option(help="Check this one alone, not against the other.")]
Name = Annotated[str, typer.Argument(metavar="FUNCTION", help="A function, or trust for the roles' trust policy.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON list.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Check what is going to be deployed, and print what it needs.", no_args_is_help=True)
    group.command("check")(check)
    group.command("policy")(policy)
    app.add_typer(group, name="deploy")


def check(*, fc: Fc = None, aws: Aws = None, only: Only = None, as_json: Json = False) -> None:
    """Read both deploy files strictly, against each other and against the code; exit with 1 if anything is wrong."""
    from logferry_local.deploy_files.checking import check as find

    root = checkout.root()
    files: dict[Literal["fc", "aws"], Path] = {
        "fc": _shown(fc or root / "s.yaml"),
        "aws": _shown(aws or root / "template.yaml"),
    }
    found = find(root, {cloud: path for cloud, path in files.items() if only in (None, cloud)})
    if as_json:
        sys.stdout.write(json.dumps([finding.as_json() for finding in found]) + "\n")
    else:
        _tell(
            [finding.text() for finding in found], [str(path) for cloud, path in files.items() if only in (None, cloud)]
        )
    if found:
        raise typer.Exit(1)


def policy(name: Name, *, fc: Fc = None) -> None:
    """Print the RAM policy of a function's role, with the places that s.yaml names."""
    from logferry_local.deploy_files import ram

    root = checkout.root()
    sys.stdout.write(json.dumps(ram.policy(root, name, fc or root / "s.yaml"), indent=2) + "\n")


def _tell(found: Sequence[str], files: Sequence[str]) -> None:
    for text in found:
        sys.stdout.write(f"{text}\n")
    said = f"{len(found)} mistake(s)" if found else "no mistakes"
    sys.stderr.write(f"{', '.join(files)}: {said}\n")


def _shown(path: Path) -> Path:
    """As a reader in this folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
