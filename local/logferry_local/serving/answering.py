"""What `logferry serve` answers: posts of logs to tasks, or verdicts on requests.

A stranger is refused before a byte of the body is read. Looking at heads and delivering have threads of their own, so
that a slow destination does not keep others from being let in.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec.structs import replace

from logferry.gates import Admitted
from logferry.receiver import Receiver
from logferry.runtime.web import Request, Response
from logferry.verify_calls import Verifier
from logferry_local.serving.listener import Receive, Scope, Send, TooLong, body_of, head_of, reply

__all__ = ["Posts", "Verdicts"]

log = logging.getLogger("logferry.serve")
T = TypeVar("T")

_LOOKING, _DELIVERING = 4, 32  # threads


class Posts:
    """Takes logs, as `functions/receive` does."""

    def __init__(self, receiver: Receiver, body_seconds: float) -> None:
        self._receiver, self._body_seconds = receiver, body_seconds
        self._looking = ThreadPoolExecutor(_LOOKING, thread_name_prefix="look")
        self._delivering = ThreadPoolExecutor(_DELIVERING, thread_name_prefix="post")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        head = head_of(scope)
        admitted = await _asked(self._looking, lambda: self._receiver.gates.admit(head))
        body = await self._body(admitted, receive) if isinstance(admitted, Admitted) else admitted
        if isinstance(body, Response):
            await reply(send, body, close=has_body(head))
        elif body is not None and isinstance(admitted, Admitted):
            whole, whose = replace(head, body=body), admitted
            work = _asked(self._delivering, lambda: self._receiver.take(whose, whole, lambda: math.inf))
            await reply(send, await work)

    async def _body(self, admitted: Admitted, receive: Receive) -> bytes | Response | None:
        """All of it, or the answer to one that is too long or too slow; None if the sender went away."""
        try:
            return await body_of(receive, admitted.options.max_body, self._body_seconds)
        except TooLong:
            answer, reason = Response(413, "too large\n"), "body over max_body"
        except TimeoutError:
            answer, reason = Response(408, "too slow\n"), "body too slow"
        log.warning("post refused", extra={"task": admitted.task, "status": answer.status, "reason": reason})
        return answer

    def close(self) -> None:
        """Once nothing is under way."""
        self._looking.shutdown()
        self._delivering.shutdown()


class Verdicts:
    """Says 200 or 403, as `functions/verify_request` does."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._looking = ThreadPoolExecutor(_LOOKING, thread_name_prefix="look")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a body is not looked at."""
        del receive
        head = head_of(scope)
        signed = await _asked(self._looking, lambda: self._verifier.is_signed(head))
        answer = signed if isinstance(signed, Response) else Response(200 if signed else 403)
        await reply(send, answer, close=has_body(head))

    def close(self) -> None:
        """Once nothing is under way."""
        self._looking.shutdown()


def has_body(head: Request) -> bool:
    """Whether something comes behind the head that would have to be read before the next request."""
    return "transfer-encoding" in head.headers or head.headers.get("content-length", "0") != "0"


async def _asked(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T | Response:
    """What it came to, in one of these threads; 500 for what should not have happened, which the log tells."""
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    except Exception:  # of one request the others must not hear
        log.exception("request not answered")
        return Response(500)
