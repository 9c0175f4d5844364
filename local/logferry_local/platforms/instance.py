"""A function in a process of its own, kept warm between calls.

It can be killed at any moment (`kill -9` of its `pid`): that call fails, the next one starts another. A call
over its time-out kills the instance, as both platforms do. A cold start and an initializer have limits of their own.
"""

import base64
import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from logferry_local.platforms import Function, Result, driver, settings

__all__ = ["Instance", "ended", "system_environ"]

_COLD_START = 60.0  # seconds
_MAX_REPLY = 6 * 1024 * 1024  # Lambda's limit; Function Compute takes more


class Instance:
    """At most one process at a time; `invoke` starts it."""

    def __init__(self, function: Function, contract: str, environ: Mapping[str, str], logs: int | None = None) -> None:
        """`logs` is a file descriptor for what the function prints; None for our own standard error."""
        self._function = function
        self._settings = settings(function, contract)
        self._environ = {**environ, **system_environ(function, contract)}
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: _Pipes | None = None

    @property
    def pid(self) -> int | None:
        """The running instance's process id; None when there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def invoke(self, event: bytes, request_id: str) -> Result:
        """One call, on the warm instance if there is one."""
        cold = self.pid is None
        pipes = self._start() if cold or self._pipes is None else self._pipes
        pipes.write({"event": base64.b64encode(event).decode(), "request_id": request_id})
        limits = [self._function.timeout]
        if cold:
            limits = [
                _COLD_START,
                *([self._function.initializer_timeout] if self._settings["initializer"] else []),
                *limits,
            ]
        found: dict[str, Any] = {}
        for limit in limits:  # one a step; a step that fails is the last
            told = pipes.read(limit)
            if not isinstance(told, dict):
                self.close(kill=True)
                what = f"timed out after {limit:.2f} seconds" if told is None else f"exited with {told}"
                return ended(str(self._settings["contract"]), request_id, what)
            found = told
            if "step" not in found:
                break
        if found.get("ended"):
            self.close(kill=True)  # it could not be loaded or initialized: the next call gets a new one
        return Result(ok=found["ok"], reply=found["reply"])

    def close(self, *, kill: bool = False) -> None:
        """End the instance: by the end of its input, or at once."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]  # both were asked for as pipes
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> "_Pipes":
        self.close()
        options = ["-I", "-S"] if self._function.bare else []
        command = [self._function.python, *options, driver.__file__, json.dumps(self._settings)]
        # A session of its own: Ctrl-C is for whoever started us, who then closes the instance in order.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._logs, env=self._environ,
            start_new_session=True,
        )  # fmt: skip
        self._pipes = _Pipes(self._process)
        return self._pipes


def ended(contract: str, request_id: str, what: str) -> Result:
    """What the caller is told of a call whose process came to no answer."""
    if contract == "aws":
        kind = "Sandbox.Timedout" if what.startswith("timed") else "Runtime.ExitError"
        body = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: Task {what}"}
    else:
        body = {"errorType": "UnhandledInvocationError", "errorMessage": f"Function {what}"}
    return Result(ok=False, reply=body)


class _Pipes:
    """Jobs out, answers in, one line each."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._buffer = b""

    def write(self, job: Mapping[str, str]) -> None:
        """Hand over one job."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended meanwhile: the read that follows sees that
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()

    def read(self, seconds: float) -> dict[str, Any] | str | None:
        """One line's object; how the process ended, in words; None when time is up."""
        assert self._process.stdout is not None
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, end - time.monotonic())):
                    return None
                more = os.read(self._process.stdout.fileno(), 65_536)
                if not more:
                    code = self._process.wait()
                    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
                self._buffer += more
                if len(self._buffer) > _MAX_REPLY:
                    return f"a reply of more than {_MAX_REPLY} bytes"
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


def system_environ(function: Function, contract: str) -> dict[str, str]:
    """The platform's own variables; keys are left to the caller's environment."""
    if contract == "aws":
        return {
            "AWS_LAMBDA_FUNCTION_NAME": function.name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "_HANDLER": function.handler, "LAMBDA_TASK_ROOT": "/var/task",
        }  # fmt: skip
    return {
        "FC_FUNCTION_NAME": function.name, "FC_FUNCTION_MEMORY_SIZE": str(function.memory), "FC_REGION": "local",
        "FC_FUNCTION_HANDLER": function.handler, "FC_FUNC_CODE_PATH": "/code", "FC_ACCOUNT_ID": "1000000000000000",
    }  # fmt: skip
