"""HEC envelopes byte for byte: tests/golden/hec/<case>/{in.json,out.bin}.

`in.json` holds the encoder's options and the records; `out.bin` is the frame around them. A reviewed change is
written with LOGFERRY_REWRITE_GOLDEN=1 (the test fails all the same, so that nobody runs with it unseen).
"""

import json
import os
from pathlib import Path

import pytest

from logferry.encoders.hec import Hec
from logferry.model import Record

CASES = sorted(path.parent for path in Path(__file__).parent.glob("hec/*/in.json"))


def framed(case: Path) -> bytes:
    """What the encoder makes of a case."""
    given = json.loads((case / "in.json").read_text(encoding="utf-8"))
    encoder = Hec(given["metadata"], **given.get("options", {}))
    records = [Record(ordinal, **record) for ordinal, record in enumerate(given["records"])]
    return encoder.frame([encoder.encode(record) for record in records])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_envelope_bytes(case: Path) -> None:
    """A record becomes exactly these bytes."""
    found, golden = framed(case), case / "out.bin"
    if os.environ.get("LOGFERRY_REWRITE_GOLDEN") == "1":
        golden.write_bytes(found)
        pytest.fail(f"{golden} was written anew: read the difference")
    assert found == golden.read_bytes()


def test_cases_are_there() -> None:
    """The folder was found and is not empty."""
    assert len(CASES) >= 8
