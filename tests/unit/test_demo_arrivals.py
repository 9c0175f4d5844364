"""The demo's count: each id exactly once in the receiver's file, nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from logferry_local.demo import arrivals

IDS = [f"{number:030x}" for number in range(20)]
TASKS = ("waf-to-splunk", "waf-to-syslog")


def line(task: str, name: str) -> str:
    """A record as its receiver writes it down."""
    if task == "waf-to-splunk":
        return json.dumps({"time": 1, "event": {"host": "h", "request_traceid": name}})
    return json.dumps({"host": "h", "msg": f"__topic__=waf||request_uri=/?a=b||request_traceid={name}||region=cn"})


def count(tmp_path: Path, task: str, names: Sequence[str], *more: str) -> arrivals.Found:
    """The verdict on a file of these records and lines."""
    file = tmp_path / "received.ndjson"
    file.write_text("".join(f"{text}\n" for text in [*(line(task, name) for name in names), *more]))
    return arrivals.count(task, file, set(IDS))


@pytest.mark.parametrize("task", TASKS)
def test_each_once_is_right(tmp_path: Path, task: str) -> None:
    """In whatever order."""
    assert count(tmp_path, task, IDS[::-1]) == (20, [])


@pytest.mark.parametrize("task", TASKS)
def test_one_less_is_missed(tmp_path: Path, task: str) -> None:
    """Even if another one came twice, so that the number of lines is right."""
    assert count(tmp_path, task, [*IDS[1:], IDS[5]]) == (
        20,
        ["1 of the loaded records did not arrive", "1 records arrived more than once (2 times)"],
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("stray", ["never sent", "", "{", '"text"', '{"event": "text", "msg": null}'])
def test_what_nobody_sent_is_told(tmp_path: Path, task: str, stray: str) -> None:
    """An unknown id, and lines that are no record at all."""
    more = line(task, stray) if stray == "never sent" else stray
    assert count(tmp_path, task, IDS, more) == (21, ["1 messages are none of the loaded records"])


def test_lines_are_told_while_they_come(tmp_path: Path) -> None:
    """A watch ends with the number of lines that are there."""
    file = tmp_path / "received.ndjson"
    told: list[tuple[str, int, int]] = []
    with arrivals.watched({"task": file}, 3, lambda *news: told.append(news)):
        file.write_text("a\nb\n")
    assert told[-1] == ("task", 2, 3)
