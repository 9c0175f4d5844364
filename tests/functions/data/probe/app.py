"""A function that tells what it was handed, and fails on demand."""

import logging
import os
import sys
import time
from collections.abc import Mapping

from logferry import errors, runtime

_log = logging.getLogger("logferry.probe")
_calls: list[str] = []
_warm: list[str] = []


def probe(call: runtime.Call) -> Mapping[str, object]:
    """Do what `event.do` says, else report the call."""
    _calls.append(call.request_id)
    assert isinstance(call.event, Mapping)
    match call.event.get("do"):
        case "unfinished":
            raise errors.Unfinished("work is left")
        case "crash":
            os._exit(3)
        case "sleep":
            time.sleep(60)
        case "large":
            return {"text": "x" * int(str(call.event["bytes"]))}
        case "print":
            print("a line of the function's own")  # noqa: T201  # a function may print
        case "warn":
            _log.warning("slow", extra={"attempt": 2})
    return {
        "event": call.event,
        "request_id": call.request_id,
        "time_left": call.time_left(),
        "key": call.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        "token": call.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
        "calls": len(_calls),
        "warm": len(_warm),
        "pid": os.getpid(),
        "path": sys.path,
    }


def initialize(context: object) -> None:
    """Count the initializer's runs."""
    _warm.append(str(context))


def refuse(context: object) -> None:
    """Fail, as an initializer may."""
    raise errors.Misconfigured(f"nothing to start with in pid {os.getpid()} ({type(context).__name__})")


handler = runtime.entry(probe)
