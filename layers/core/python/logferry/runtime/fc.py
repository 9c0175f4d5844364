"""Alibaba Cloud Function Compute 3.0: the built-in Python runtime's contract.

The event is bytes. python3.12 has the role's temporary key in the environment, python3.10 and older in
`context.credentials`; it changes between calls, so it is read at each one. The context tells the time-out, not
what is left of it. Source: Function Compute documentation, "Context" and "Environment variables".
"""

import json
import sys
from collections.abc import Callable, Mapping

from logferry.runtime import log_lines

__all__ = ["environ", "reply", "request_id", "tell", "time_left"]

_DEFAULT_TIMEOUT = 3.0  # seconds; what a function has when nothing was configured
_KEY = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "access_key_id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "access_key_secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "security_token",
}


def request_id(context: object) -> str:
    """`request_id`; empty if the context has none."""
    return str(getattr(context, "request_id", ""))


def environ(context: object, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment; with the context's key under its names, if the environment has no whole key."""
    if environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID") and environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        return environ
    credentials = getattr(context, "credentials", None)
    found = {name: getattr(credentials, attribute, None) for name, attribute in _KEY.items()}
    if not (found["ALIBABA_CLOUD_ACCESS_KEY_ID"] and found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]):
        return environ
    rest = {
        name: value for name, value in environ.items() if name not in _KEY
    }  # never half of one key, half of another
    return rest | {name: str(value) for name, value in found.items() if value}


def time_left(context: object, clock: Callable[[], float]) -> Callable[[], float]:
    """The function's time-out less what has passed since this was called."""
    timeout = float(getattr(getattr(context, "function", None), "timeout", None) or _DEFAULT_TIMEOUT)
    end = clock() + timeout
    return lambda: end - clock()


def reply(body: Mapping[str, object]) -> object:
    """JSON text: the SLS trigger's log shows it as it is."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def tell(context: object, request_id: str, tasks: Mapping[str, Mapping[str, float]]) -> None:
    """One JSON line a task on standard error, whatever the log level: SLS indexes its keys."""
    name = str(getattr(getattr(context, "function", None), "name", ""))
    for task, facts in tasks.items():
        about = {"request_id": request_id, "function": name, "task": task}
        sys.stderr.write(log_lines.line("task metrics", about | dict(facts)) + "\n")
