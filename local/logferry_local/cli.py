"""`logferry`: finds its commands by their files; turns our errors into a message and an exit code.

Exit codes: 0 done; 1 the work failed or a check found a difference; 2 wrong usage or configuration.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

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


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the `logferry` command; `words` in place of the shell's. Ends with SystemExit."""
    try:
        app()(args=words)
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
    except OSError as error:  # a file or folder that cannot be had, a full disk
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{where}{error.strerror or error}\n")
        sys.exit(1)
