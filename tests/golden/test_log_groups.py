"""What PutLogs is sent, byte for byte: tests/golden/log_groups/<case>/{in.json,out.bin}.

`in.json` holds the task's name, the destination's options and the records; `out.bin` is the list of log groups. A
reviewed change is written with LOGFERRY_REWRITE_GOLDEN=1 (the test fails all the same, so that nobody runs with it
unseen).
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aliyun.log import log_logs_pb2

from logferry import config
from logferry.destinations import Surroundings
from logferry.destinations.sls import Config, encoder
from logferry.model import Record
from logferry.vault import Vault

CASES = sorted(path.parent for path in Path(__file__).parent.glob("log_groups/*/in.json"))
vendor: Any = log_logs_pb2  # the SDK has no types


def framed(case: Path) -> bytes:
    """What the destination's encoder makes of a case."""
    given = json.loads((case / "in.json").read_text(encoding="utf-8"))
    made = encoder(config.load(Config, given["options"]), Surroundings(given["task"], Vault({})))
    return made.frame([made.encode(Record(ordinal, **record)) for ordinal, record in enumerate(given["records"])])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_log_group_bytes(case: Path) -> None:
    """Records become exactly these bytes."""
    found, golden = framed(case), case / "out.bin"
    if os.environ.get("LOGFERRY_REWRITE_GOLDEN") == "1":
        golden.write_bytes(found)
        pytest.fail(f"{golden} was written anew: read the difference")
    assert found == golden.read_bytes()


def test_the_vendor_reads_the_golden_bytes() -> None:
    """An independent reader finds topics, tags and values in them."""
    found = {case.name: vendor.LogGroupList.FromString((case / "out.bin").read_bytes()).LogGroups for case in CASES}
    (plain,), (marks,), (values,) = found["plain"], found["own_marks"], found["values"]
    assert (plain.Topic, plain.Source, len(plain.Logs)) == ("access_origin", "log_service", 2)
    assert [(tag.Key, tag.Value) for tag in plain.LogTags] == [("__logferry__", "edge-copy")]
    assert (marks.Topic, marks.Source) == ("esa", "")
    assert {tag.Key: tag.Value for tag in marks.LogTags} == {
        "host": "h-1", "site": "example.com", "__logferry__": "edge-copy",
    }  # fmt: skip
    assert [pair.Value for pair in values.Logs[0].Contents][1:6] == ["200", "true", "null", '[1,"a"]', '{"k":"v"}']
    ways = [{tag.Key: tag.Value for tag in group.LogTags} for group in found["several_groups"]]
    here = "central/edge-logs"
    assert ways == [{"__logferry_via__": way} for way in (here, here, f"first/stop,{here}")]


def test_cases_are_there() -> None:
    """The folder was found and is not empty."""
    assert len(CASES) >= 4
