"""Functions run as the two clouds run them: in a warm process of their own, or in this process.

Contracts (contexts, event and reply forms, error bodies) are in `driver`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from logferry.errors import ConfigError
from logferry_local.platforms import driver

__all__ = ["Function", "Result", "Runner", "settings"]


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function: its folder and what the deploy file says about it."""

    name: str
    code: Path
    handler: str = "app.handler"
    initializer: str = ""
    timeout: float = 60.0  # seconds
    initializer_timeout: float = 60.0  # seconds
    memory: int = 512  # MB
    layers: tuple[Path, ...] = ()  # what is mounted at /opt/python; the first wins
    bare: bool = False  # only code and layers on the path: no checkout, no site-packages
    python: str = sys.executable


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the caller of a platform gets: the reply, or the platform's error body."""

    ok: bool
    reply: Any


class Runner(Protocol):
    """Calls one function."""

    def invoke(self, event: bytes, request_id: str) -> Result:
        """One call; a function's failure is a Result, never an exception."""
        ...

    def close(self) -> None:
        """End whatever was started."""
        ...


def settings(function: Function, contract: str) -> dict[str, Any]:
    """What the driver must know; ConfigError for an unknown contract or a handler whose file is missing."""
    problems = []
    if contract not in driver.CONTRACTS:
        problems.append(f"contract: {contract!r} is not one of {', '.join(driver.CONTRACTS)}")
    file = function.code / f"{function.handler.rpartition('.')[0]}.py"
    if not file.is_file():
        problems.append(f"handler: {function.handler!r} needs {file}, which is not there")
    if problems:
        raise ConfigError(problems, subject=f"function {function.name}")
    return {
        "contract": contract, "name": function.name, "code": str(function.code.resolve()), "handler": function.handler,
        "initializer": function.initializer if contract != "aws" else "", "timeout": function.timeout,
        "memory": function.memory, "layers": [str(path.resolve()) for path in function.layers],
    }  # fmt: skip
