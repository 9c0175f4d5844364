"""A function under AWS's own runtime interface client (`awslambdaric`), in a process of its own, kept warm.

What Lambda does around it is done here: time-outs, a new process after a crash, limits of 6 MB both ways.
A cold start has its own limit and is not counted.
"""

import importlib.util
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from logferry_local.platforms import Function, Result, settings
from logferry_local.platforms.instance import ended, system_environ
from logferry_local.platforms.runtime_api import TOO_LARGE, Ending, Invocation, RuntimeApi

__all__ = ["MAX_EVENT", "LambdaInstance", "client_folder"]

MAX_EVENT = 6 * 1024 * 1024  # bytes, of a call that waits for the reply
_COLD_START = 60.0  # seconds
_LOOK = 0.05  # seconds between looks at whether the process is still there
_PROGRAM = (
    "import sys; code, client, handler, *layers = sys.argv[1:]; sys.path[:0] = [code, *layers]\n"
    "sys.path.append(client); from awslambdaric.__main__ import main; main(['bootstrap', handler])"
)


def client_folder() -> Path | None:
    """Where the runtime interface client is installed; None if it is not."""
    found = importlib.util.find_spec("awslambdaric")
    return Path(found.origin).parent.parent if found and found.origin else None


class LambdaInstance:
    """At most one process at a time; `invoke` starts it."""

    def __init__(self, function: Function, environ: Mapping[str, str], client: Path, logs: int | None = None) -> None:
        """`client`: the folder that holds `awslambdaric`; `logs`: a file descriptor for what the function prints."""
        self._function, self._client, self._logs = function, client, logs
        settings(function, "aws")  # raises for what is missing
        self._arn = f"arn:aws:lambda:us-east-1:111122223333:function:{function.name}"
        self._environ = {
            "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", **environ,
            **system_environ(function, "aws"), "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}", "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(function.code), "TZ": ":UTC",
        }  # fmt: skip
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process's id; None when there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def invoke(self, event: bytes, request_id: str) -> Result:
        """One call that waits for its reply, on the warm instance if there is one."""
        if len(event) > MAX_EVENT:
            text = f"{len(event)} byte payload is too large for the RequestResponse invocation type"
            return Result(ok=False, reply={"errorType": "RequestTooLargeException", "errorMessage": text})
        api = self._api if self.pid is not None and self._api else self._start()
        api.offer(Invocation(request_id, event or b"{}", self._arn, self._function.timeout))
        ending = self._ending(api)
        if isinstance(ending, Ending):
            if ending.how == "init" or (ending.how == "error" and _ends(ending.body)):
                self.close()
            return Result(ok=ending.how == "response", reply=ending.body)
        self.close()
        return ended("aws", request_id, ending)

    def close(self) -> None:
        """End the process at once, as a sandbox ends."""
        process, self._process = self._process, None
        api, self._api = self._api, None
        if process is not None:
            process.kill()
            process.wait()
        if api is not None:
            api.close()

    def _ending(self, api: RuntimeApi) -> Ending | str:
        """What the runtime said, or in words how it came to no end."""
        assert self._process is not None
        cold_end, end = time.monotonic() + _COLD_START, None
        while True:
            if end is None and api.handed_over():
                end = time.monotonic() + self._function.timeout
            if ending := api.wait(_LOOK):
                return ending
            if self._process.poll() is not None:
                return api.wait(0) or f"exited with status {self._process.returncode}"
            if time.monotonic() > (cold_end if end is None else end):
                return f"timed out after {self._function.timeout:.2f} seconds"

    def _start(self) -> RuntimeApi:
        self.close()
        self._api = RuntimeApi()
        function = self._function
        command = [function.python, *(["-I", "-S"] if function.bare else []), "-c", _PROGRAM]
        command += [str(function.code.resolve()), str(self._client), function.handler]
        command += [str(layer.resolve()) for layer in function.layers]
        environ = {**self._environ, "AWS_LAMBDA_RUNTIME_API": self._api.address}
        # A session of its own: Ctrl-C is for whoever started us, who then closes the instance in order.
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._logs if self._logs is not None else 2, stderr=self._logs,
            env=environ, start_new_session=True,
        )  # fmt: skip
        return self._api


def _ends(error: object) -> bool:
    """Whether the client ends its process after that: a reply that was refused is more than it can bear."""
    return isinstance(error, Mapping) and error.get("errorType") == TOO_LARGE
