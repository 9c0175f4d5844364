"""One function instance as a cloud runs it: contexts, event and reply forms, error bodies of both platforms.

Standard library only and one file, so that it can be started by its path in a bare interpreter
(`python -I -S driver.py SETTINGS`) with nothing of ours on the path but the built zips.
It then reads one job a line on standard input and answers one line each on standard output, the first after lines
that say the function is loaded and initialized; what the function prints goes to standard error, a platform's log.

Contracts: `fc` (Function Compute 3.0, python3.12), `fc-python3.10` (the key comes in the context), `aws` (Lambda).
"""

import base64
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, TextIO

__all__ = ["CONTRACTS", "answer", "context", "main"]

CONTRACTS = ("fc", "fc-python3.10", "aws")
_KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")


def context(settings: Mapping[str, Any], job: Mapping[str, Any]) -> object:
    """The second argument of the handler, with exactly the attributes that the platform gives."""
    if settings["contract"] == "aws":
        return _lambda_context(settings, job)
    function = {"name": settings["name"], "handler": settings["handler"], "memory": settings["memory"]}
    function["timeout"] = settings["timeout"]
    made: dict[str, Any] = {"request_id": job["request_id"], "region": settings.get("region", "local")}
    made["account_id"] = settings.get("account_id", "1000000000000000")
    if settings["contract"] == "fc":
        function |= {"version_id": "", "qualifier": "LATEST"}
        made |= {"log_project": "", "log_store": "", "logger": None, "getLogger": _logger}
    else:
        service = {"name": "", "log_project": "", "log_store": "", "qualifier": "LATEST", "version_id": ""}
        key = dict(zip(("access_key_id", "access_key_secret", "security_token"), settings["key"], strict=True))
        made |= {"service": SimpleNamespace(**service), "credentials": SimpleNamespace(**key)}
    return SimpleNamespace(function=SimpleNamespace(**function), **made)


def answer(
    handler: Callable[[Any, Any], object], settings: Mapping[str, Any], job: Mapping[str, Any]
) -> dict[str, Any]:
    """Call once: `{"ok": True, "reply": …}`, or `{"ok": False, "reply": the platform's error body}`."""
    try:
        event = base64.b64decode(job["event"])
        if settings["contract"] == "aws":
            reply = handler(json.loads(event or b"{}"), context(settings, job))
            return {"ok": True, "reply": json.loads(json.dumps(reply))}
        return {"ok": True, "reply": _fc_text(handler(event, context(settings, job)))}
    except Exception as error:  # noqa: BLE001  # whatever the function raises, the platform reports
        return _failed(settings, job, error)


def main(settings: Mapping[str, Any]) -> None:
    """Serve jobs until standard input ends; the handler is loaded, and the initializer run, at the first."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # a platform keeps both streams in one log, in the order of writing
    sys.path[:0] = [settings["code"], *settings["layers"]]
    if settings["contract"] == "fc-python3.10":  # there the key is in the context and nowhere else
        settings = {**settings, "key": [os.environ.pop(name, "") for name in _KEYS]}
    handler = None
    for line in sys.stdin:
        job = json.loads(line)
        if handler is None:
            try:
                app = importlib.import_module(str(settings["handler"]).rpartition(".")[0])
                handler = getattr(app, str(settings["handler"]).rpartition(".")[2])
                _tell(replies, {"step": "loaded"})
                if settings["initializer"]:
                    getattr(app, str(settings["initializer"]).rpartition(".")[2])(context(settings, job))
                    _tell(replies, {"step": "initialized"})
            except Exception as error:  # noqa: BLE001  # an import error is the function's failure, not ours
                _tell(replies, {**_failed(settings, job, error), "ended": True})
                break  # the platform starts a new instance for the next call
        _tell(replies, answer(handler, settings, job))
    replies.close()


def _failed(settings: Mapping[str, Any], job: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    """What the caller of a function sees of an exception."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    body: dict[str, Any] = {"errorMessage": str(error), "errorType": type(error).__name__}
    if settings["contract"] == "aws":
        body |= {"requestId": job["request_id"], "stackTrace": traceback.format_list(frames)}
    else:
        places = [[f'File "{at.filename}"', f"line {at.lineno}", f"in {at.name}", at.line or ""] for at in frames]
        body["stackTrace"] = places
    return {"ok": False, "reply": body}


def _tell(replies: TextIO, what: Mapping[str, Any]) -> None:
    replies.write(json.dumps(what) + "\n")
    replies.flush()


def _lambda_context(settings: Mapping[str, Any], job: Mapping[str, Any]) -> object:
    end = time.monotonic() + settings["timeout"]
    name = settings["name"]
    return SimpleNamespace(
        function_name=name, function_version="$LATEST", memory_limit_in_mb=str(settings["memory"]),
        invoked_function_arn=f"arn:aws:lambda:local:111122223333:function:{name}", aws_request_id=job["request_id"],
        log_group_name=f"/aws/lambda/{name}", log_stream_name="local", identity=None, client_context=None,
        get_remaining_time_in_millis=lambda: max(0, int((end - time.monotonic()) * 1000)),
    )  # fmt: skip


def _fc_text(reply: object) -> str:
    if isinstance(reply, bytes):
        return reply.decode()
    return reply if isinstance(reply, str) else json.dumps(reply)


def _logger() -> object:
    import logging

    return logging.getLogger("fc")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
