"""Who may post: a task's path, and a signature by one of its keys.

An unknown path and a bad signature are answered alike, 403 without a word, after the same work; 404 is for whoever
signs with a key of ours for a path that no task has. The raw path counts, byte for byte: what a proxy would make of
`//`, `..` or `%2e` is another path. Which paths and keys there are is read every five seconds at most, so that
strangers cannot make the state table work. `auth_key` is in no log line.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from logferry import config, signing
from logferry.errors import LogferryError, Misconfigured
from logferry.runtime.web import Request, Response
from logferry.sources.received import Config
from logferry.task_store import Stored
from logferry.vault import Secret
from logferry.wiring import Workshop

__all__ = ["Admitted", "Gates"]

log = logging.getLogger(__name__)

_FRESH, _AGAIN = 5.0, 1.0  # seconds; the second once they could not be read
_SHOWN = 200  # characters of a stranger's path in a log line


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whose post it is, and what it may hold."""

    task: str
    options: Config


@dataclass(frozen=True, slots=True)
class _Gate:
    """One task's way in. `broken`: a key cannot be read, so nobody can be told from a stranger."""

    task: str
    options: Config
    keys: tuple[Secret, ...]
    broken: bool


class Gates:
    """All ways in."""

    def __init__(self, shop: Workshop, clock: Callable[[], float]) -> None:
        self._shop, self._clock, self._lock = shop, clock, threading.Lock()
        self._read_at, self._known = -math.inf, list[_Gate]()
        self._trouble: LogferryError | None = None

    def admit(self, request: Request) -> Admitted | Response:
        """The task whose post it is, by path and signature; else what is answered, whatever the body holds."""
        try:
            gates = self._gates()
        except LogferryError as error:
            log.warning("receiver cannot read its tasks", extra={"reason": str(error)})
            return Response(503, headers={"Retry-After": "5"})
        # All of it for every request, so that how long it takes tells nothing.
        here = [_is_at(gate.options.path, request.path) for gate in gates]
        reasons = [self._reason(gate, request, gate.options.signed_path or gate.options.path) for gate in gates]
        signed = [not self._reason(gate, request, request.path) and bool(gate.keys) for gate in gates]
        open_to = [gate for gate, is_here, reason in zip(gates, here, reasons, strict=True) if is_here and not reason]
        if open_to:
            return self._first(open_to)
        if any(gate.broken for gate, is_here in zip(gates, here, strict=True) if is_here):
            return Response(503, headers={"Retry-After": "30"})
        why = [reason for is_here, reason in zip(here, reasons, strict=True) if is_here] or ["unknown path"]
        status = 404 if any(signed) and not any(here) else 403
        facts = {"path": request.path[:_SHOWN], "address": request.address, "status": status}
        log.warning("post refused", extra=facts | {"reason": why[0]})
        return Response(status)

    def _first(self, open_to: list[_Gate]) -> Admitted:
        first = open_to[0]
        if len(open_to) > 1:
            facts = {"task": first.task, "reason": f"{open_to[1].task} has the same path and key, and gets nothing"}
            log.error("two tasks for one post", extra=facts)
        return Admitted(first.task, first.options)

    def _reason(self, gate: _Gate, request: Request, path: str) -> str:
        """Why the signature is not good for this path; "" if it is, or none is asked for."""
        if gate.options.unsigned:
            return ""
        longest = gate.options.longest
        return signing.verify(
            request.target, gate.keys, now=self._clock(), leeway=config.seconds(gate.options.leeway),
            longest=None if longest is None else config.seconds(longest), path=path,
        ).reason  # fmt: skip

    def _gates(self) -> list[_Gate]:
        with self._lock:
            if not 0 <= self._clock() - self._read_at < (_AGAIN if self._trouble else _FRESH):
                try:
                    tasks, self._trouble = self._shop.tasks.all(), None
                except LogferryError as error:
                    tasks, self._trouble = [], error
                self._known = [gate for stored in tasks if (gate := self._gate(stored))]
                self._read_at = self._clock()
            if self._trouble:
                raise self._trouble
            return self._known

    def _gate(self, stored: Stored) -> _Gate | None:
        """The task's way in; None for one that is sent nothing, or that this release cannot use."""
        try:
            options = stored.task().source.options
        except LogferryError:
            return None
        if not isinstance(options, Config):
            return None
        keys, broken = list[Secret](), False
        for reference in options.keys:
            try:
                key = self._shop.secret(reference)
                if not signing.key_is_sound(key):
                    raise Misconfigured(f"{reference}: the key (not shown) is not {signing.KEY_RULE}")
                keys.append(key)
            except LogferryError as error:
                broken = True
                log.error("key of a sender missing", extra={"task": stored.name, "reason": str(error)})  # noqa: TRY400  # its place says nothing
        return _Gate(stored.name, options, tuple(keys), broken and not keys)


def _is_at(path: str, asked: str) -> bool:
    """The very path, or what API Gateway makes of it before it hands it over."""
    return asked in (path, unquote(path))
