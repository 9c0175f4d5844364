"""Log lines of one invocation: one JSON object each, quiet by default, never a secret."""

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.engine import Clock

from logferry import errors, runtime
from logferry.runtime import Call, log_lines
from logferry.runtime.sparing import Sparing
from logferry.vault import Secret

log = logging.getLogger("logferry.probe")


def lines(
    capsys: pytest.CaptureFixture[str], body: Callable[[], None], environ: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """What one call writes to standard error; its exception, if any, is taken."""

    def function(_: Call) -> Mapping[str, object]:
        body()
        return {}

    with contextlib.suppress(RuntimeError, errors.LogferryError):
        runtime.entry(function, environ=environ or {})(b"{}", None)
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_warning_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """Level, message, request id and extra fields are keys of one object."""
    (line,) = lines(capsys, lambda: log.warning("delivery delayed", extra={"attempt": 2}))
    wanted = {"level": "warning", "message": "delivery delayed", "request_id": "local", "attempt": 2}
    assert wanted.items() <= line.items()


def test_normal_work_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Information is not written unless asked for."""
    assert lines(capsys, lambda: log.info("done")) == []
    assert len(lines(capsys, lambda: log.info("done"), {"LOGFERRY_LOG_LEVEL": "info"})) == 1


def test_a_failure_is_one_line_with_class_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of ours is told with its text; its level is error."""

    def fail() -> None:
        raise errors.Misconfigured("no access key")

    (line,) = lines(capsys, fail)
    wanted = {"level": "error", "message": "invocation failed", "error": "Misconfigured", "reason": "no access key"}
    assert wanted.items() <= line.items()


def test_unfinished_work_is_only_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """It will be tried again, so nobody is woken."""

    def fail() -> None:
        raise errors.Unfinished("work is left")

    (line,) = lines(capsys, fail)
    assert line["level"] == "warning"


def test_a_foreign_exceptions_text_stays_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody else's message may hold a secret: only class and place are told."""

    def fail() -> None:
        raise RuntimeError("token hunter2")

    (line,) = lines(capsys, fail)
    assert line["error"] == "RuntimeError"
    assert "in fail" not in line["where"]
    assert "test_runtime_logs.py" in line["where"]
    assert "hunter2" not in json.dumps(line)


def test_a_secret_prints_as_stars(capsys: pytest.CaptureFixture[str]) -> None:
    """A Secret that is handed to a log line by mistake does not show."""
    (line,) = lines(capsys, lambda: log.warning("token %s", Secret("hunter2"), extra={"token": Secret("hunter2")}))
    assert line["message"] == "token ***"
    assert line["token"] == "***"


def test_an_unknown_level_is_a_configuration_error() -> None:
    """The error names the variable, the value and the words it may be."""
    with pytest.raises(errors.ConfigError, match="LOGFERRY_LOG_LEVEL: 'loud' is not one of debug, info, warning"):
        runtime.entry(lambda _: {}, environ={"LOGFERRY_LOG_LEVEL": "loud"})(b"{}", None)


def test_logging_is_as_before_after_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    """A call leaves no handler, level or propagation behind."""
    root = logging.getLogger("logferry")
    before = (list(root.handlers), root.level, root.propagate)
    lines(capsys, lambda: None, {"LOGFERRY_LOG_LEVEL": "debug"})
    assert (root.handlers, root.level, root.propagate) == before


def test_a_file_that_rotates_gets_the_same_lines(tmp_path: Path) -> None:
    """A worker hands over its own handler; what it is called stands in each line."""
    handler = RotatingFileHandler(tmp_path / "worker.log", maxBytes=10_000, backupCount=1)
    handler.setFormatter(log_lines.Formatter({"consumer": "group-host-1"}))
    with contextlib.closing(handler), log_lines.shown("", logging.INFO, handler):
        log.info("round done", extra={"task": "waf"})
    log.warning("after its end")
    (line,) = [json.loads(text) for text in (tmp_path / "worker.log").read_text(encoding="utf-8").splitlines()]
    wanted = {"level": "info", "message": "round done", "consumer": "group-host-1", "task": "waf"}
    assert wanted.items() <= line.items()
    assert "request_id" not in line


def spared(tmp_path: Path, body: Callable[[Clock], None]) -> list[dict[str, Any]]:
    """What is written when the same trouble passes once in five minutes."""
    clock = Clock()
    handler = logging.FileHandler(tmp_path / "worker.log")
    with contextlib.closing(handler), log_lines.shown("", logging.INFO, handler, [Sparing(300.0, clock)]):
        body(clock)
    return [json.loads(text) for text in (tmp_path / "worker.log").read_text(encoding="utf-8").splitlines()]


def test_the_same_trouble_is_told_once_in_a_while(tmp_path: Path) -> None:
    """With how often it came meanwhile; numbers in its reason make no other trouble of it."""

    def body(clock: Clock) -> None:
        for second in range(601):
            log.warning("lag over max_lag", extra={"task": "waf", "reason": f"late by {second} s"})
            clock.forward(1)

    assert [line.get("left_out") for line in spared(tmp_path, body)] == [None, 299, 299]


def test_other_troubles_and_events_are_told_at_once(tmp_path: Path) -> None:
    """Another task, stream, reason or level is another trouble; events are never left out."""

    def body(_clock: Clock) -> None:
        log.warning("x", extra={"task": "a"})
        log.warning("x", extra={"task": "b"})
        log.warning("x", extra={"task": "a", "stream": "1"})
        log.warning("x", extra={"task": "a", "reason": "HTTP"})
        log.error("x", extra={"task": "a"})
        log.info("y")
        log.info("y")

    assert len(spared(tmp_path, body)) == 7


def test_a_night_of_different_troubles_is_forgotten_in_order() -> None:
    """Memory stays small."""
    sparing = Sparing(300.0, Clock())
    for number in range(3_000):
        assert sparing.filter(logging.makeLogRecord({"levelno": logging.ERROR, "msg": "x", "task": f"t{number}"}))
    assert len(sparing._seen) == 1_000
