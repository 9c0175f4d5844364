"""Log lines: one JSON object a record. Of one invocation on standard error, or wherever a handler writes them.

Quiet by default: `LOGFERRY_LOG_LEVEL` is `warning` unless set to `debug`, `info` or `error`. Fields come by
`extra={...}`; what is not JSON is shown as text, so a `Secret` stays `***`. An exception's own text is shown only
if it is one of ours (they never hold a secret); of any other only the class and the place.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from logferry.errors import ConfigError, LogferryError, is_passing

__all__ = ["LEVELS", "Formatter", "level", "line", "shown", "to_stderr"]

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
_ROOT = logging.getLogger("logferry")
# JSON escapes the control letters below the blank; terminals and readers of lines obey these as well.
_OBEYED = "[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


@contextmanager
def to_stderr(environ: Mapping[str, str], request_id: str) -> Iterator[None]:
    """Write our log lines for the length of one call; an exception gets one line and passes through."""
    with shown(request_id, logging.WARNING):
        try:
            _ROOT.setLevel(level(environ))
            yield
        except Exception as error:
            _ROOT.log(logging.WARNING if is_passing(error) else logging.ERROR, "invocation failed", exc_info=error)
            raise


@contextmanager
def shown(
    request_id: str, least: int, to: logging.Handler | None = None, filters: Iterable[logging.Filter] = ()
) -> Iterator[None]:
    """Write our log lines from this level on; what becomes of an exception is the caller's.

    `to` is a handler of the caller's own (a file that rotates), which stays open; it writes what `Formatter` makes.
    """
    handler = to or _Stderr()
    if not isinstance(handler.formatter, Formatter):
        handler.setFormatter(Formatter({"request_id": request_id}))
    for one in filters:
        handler.addFilter(one)
    before = (_ROOT.level, _ROOT.propagate)
    _ROOT.addHandler(handler)
    _ROOT.propagate = False  # both clouds put a handler of their own on the root: each line would come twice
    try:
        _ROOT.setLevel(least)
        yield
    finally:
        _ROOT.removeHandler(handler)
        _ROOT.setLevel(before[0])
        _ROOT.propagate = before[1]


def level(environ: Mapping[str, str]) -> int:
    """The level that `LOGFERRY_LOG_LEVEL` names; ConfigError for any other word."""
    word = environ.get("LOGFERRY_LOG_LEVEL") or "warning"
    if word.lower() not in LEVELS:
        raise ConfigError([f"LOGFERRY_LOG_LEVEL: {word!r} is not one of {', '.join(LEVELS)}"], subject="environment")
    return int(logging.getLevelNamesMapping()[word.upper()])


def line(message: str, facts: Mapping[str, object]) -> str:
    """A line of level `info` that is written whatever the level: one that somebody counts on."""
    about = {"name": "logferry.meter", "levelno": logging.INFO, "levelname": "INFO", "msg": message}
    return Formatter().format(logging.makeLogRecord(about | dict(facts)))


class Formatter(logging.Formatter):
    """A record as one line of JSON; `facts` (a request id, a worker's name) are in every line."""

    def __init__(self, facts: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._facts = dict(facts or {})

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        text = json.dumps(self._fields(record), default=str, ensure_ascii=False)
        return re.sub(_OBEYED, lambda found: f"\\u{ord(found[0]):04x}", text)

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            **self._facts,
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _PLAIN and key not in line}
        if record.exc_info and record.exc_info[1]:
            line |= _about(record.exc_info[1])
        return line


class _Stderr(logging.Handler):
    """Finds standard error at each record, since a platform may put another in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  # a log line must never break the delivery it tells about
            self.handleError(record)


def _about(error: BaseException) -> dict[str, object]:
    """Class and place; the reason only where our own error tree vouches for its text."""
    frames = traceback.extract_tb(error.__traceback__)
    found: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, LogferryError):
        found["reason"] = str(error)
    if frames:
        found["where"] = f"{frames[-1].filename}:{frames[-1].lineno} {frames[-1].name}"
    return found
