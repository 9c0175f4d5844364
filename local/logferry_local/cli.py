"""`logferry`: finds its commands by their files; turns our errors into a message and an exit code.

Exit codes: 0 done; 1 the work failed or a check found a difference; 2 wrong usage or configuration.
"""

import importlib
import pkgutil
import sys

import typer

from logferry.errors import ConfigError, LogferryError, Misconfigured
from logferry_local import commands

__all__ = ["app", "main"]


def app() -> typer.Typer:
    """The command line with every command of `commands/`."""
    made = typer.Typer(
        name="logferry", help="Delivers cloud logs anywhere and proves that none was lost.", no_args_is_help=True,
        add_completion=False, pretty_exceptions_enable=False,
    )  # fmt: skip
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda found: found.name):
        importlib.import_module(f"logferry_local.commands.{module.name}").register(made)
    return made


def main() -> None:
    """Entry point of the `logferry` command."""
    try:
        app()()
    except ConfigError as error:
        sys.stderr.write(f"{error.subject}: {len(error.problems)} problem(s)\n")
        sys.stderr.writelines(f"  {problem}\n" for problem in error.problems)
        sys.exit(2)
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except LogferryError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
