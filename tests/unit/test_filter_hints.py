"""Values outside the published ones: a note of `task check`, never a mistake."""

import json
from pathlib import Path
from typing import Any

import pytest

from logferry import categories
from logferry.stages.hints import hints
from logferry_local import cli

FIREWALL = categories.find("firewall")
NONE = "is none of the values that are published for"


def leaf(field: str, op: str, value: object = None) -> dict[str, Any]:
    """One condition."""
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (leaf("Action", "eq", "Deny"), [f"filter.value: 'Deny' {NONE} Action, did you mean deny?"]),
        (leaf("Action", "!in", ["deny", "observe", "zzz", ""]),
         [f"filter.value: 'observe' {NONE} Action, did you mean Observe?",
          f"filter.value: 'zzz' {NONE} Action"]),
        ({"all": [leaf("ClientIP", "eq", "x"), {"not": {"any": [leaf("Source", "eq", "http_waf")]}}]},
         [f"filter.all[1].not.any[0].value: 'http_waf' {NONE} Source"]),
        (leaf("Action", "contains", "captch"), []), (leaf("Action", "exists"), []), (leaf("Nothing", "eq", "x"), []),
    ],
)  # fmt: skip
def test_a_strange_value_is_hinted_at(data: dict[str, Any], expected: list[str]) -> None:
    """With its place and the nearest; what is no comparison of whole values is left alone."""
    assert [hint.partition(", did you mean http")[0] for hint in hints(data, FIREWALL)] == expected


def test_numbers_are_compared_as_they_are_written() -> None:
    """A published number, as a number and as text."""
    routine = categories.find("edge_routine")
    assert hints(leaf("ErrorCode", "in", [0, "6"]), routine) == []
    assert len(hints(leaf("ErrorCode", "eq", "7"), routine)) == 1


def test_task_check_prints_a_note_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0; with --json the notes stand beside the problems."""
    path = tmp_path / "task.json"
    source = {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "esa-logs", "logstore": "firewall"}
    hec = {"url": "https://splunk.example:8088", "token": "secret://env/T"}
    task = {"task": "t", "category": "firewall", "filter": leaf("Action", "eq", "Deny"), "source": {"sls": source}}
    path.write_text(json.dumps(task | {"destination": {"splunk_hec": hec}}))
    for words in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["task", "check", str(path), *words])
        out, err = capsys.readouterr()
        assert ended.value.code in (0, None)
        assert f"{path}: note: filter.value: 'Deny' is none of the values" in err
    assert len(json.loads(out)["files"][0]["notes"]) == 1
