"""`logferry task …`: check, plan and apply delivery tasks, prove whose they are, see them, move them, delete them.

Tasks live in the state table that `LOGFERRY_STATE` names; secrets are references. Each file here has its `COMMANDS`.
"""

import importlib
import pkgutil
from collections.abc import Callable

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `task` with the subcommands of every file here."""
    group = typer.Typer(
        help="Delivery tasks: check, plan, apply, verify, list, show, pause, resume, seek, delete.",
        no_args_is_help=True,
    )
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        commands: dict[str, Callable[..., None]] = importlib.import_module(f"{__name__}.{module.name}").COMMANDS
        for name, command in commands.items():
            group.command(name)(command)
    app.add_typer(group, name="task")
