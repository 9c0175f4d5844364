"""A function in this process: fast, with this process's environment; no time-out, no isolation."""

import base64
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

from logferry.errors import ConfigError
from logferry_local.platforms import Function, Result, driver, settings

__all__ = ["InProcess", "load"]


class InProcess:
    """Loads the handler once."""

    def __init__(self, function: Function, contract: str) -> None:
        self._settings = {**settings(function, contract), "key": ["", "", ""]}
        self._handler: Callable[[Any, Any], object] = getattr(load(function), function.handler.rpartition(".")[2])

    def invoke(self, event: bytes, request_id: str) -> Result:
        """One call."""
        job = {"event": base64.b64encode(event).decode(), "request_id": request_id}
        found = driver.answer(self._handler, self._settings, job)
        return Result(ok=found["ok"], reply=found["reply"])

    def close(self) -> None:
        """Nothing was started."""


def load(function: Function) -> ModuleType:
    """The function's file, under a name of its own: every function's file is called app.py."""
    module = function.handler.rpartition(".")[0]
    spec = importlib.util.spec_from_file_location(f"logferry_function_{function.name}", function.code / f"{module}.py")
    if spec is None or spec.loader is None:
        raise ConfigError([f"handler: {function.handler!r} is not a Python file"], subject=f"function {function.name}")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app
