"""Syslog messages and bodies byte for byte: tests/golden/syslog/<case>/{in.json,out.bin}.

`in.json` holds header, framing, body and records (without a header: the body alone); `out.bin` is what they become.
What RFC 5424 and RFC 6587 fix was worked out from their grammar, not written by the encoder. A reviewed change is
written with LOGFERRY_REWRITE_GOLDEN=1 (the test fails all the same, so that nobody runs with it unseen).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from logferry.encoders.json_lines import JsonLines
from logferry.encoders.key_value import KeyValue
from logferry.encoders.rfc5424 import Header, Rfc5424
from logferry.model import Record

CASES = sorted(path.parent for path in Path(__file__).parent.glob("syslog/*/in.json"))


class Text:
    """A body that is one field as it stands."""

    one_line = False

    def text(self, record: Record) -> str:
        """The field `text`."""
        return str(record.fields["text"])

    def inside(self, text: str) -> bytes:
        """The text itself."""
        return text.encode()

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """Marks in brackets."""
        return str(dict(marks)).encode() + inside


BODIES = {"text": Text, "key_value": KeyValue, "json_lines": JsonLines}


def made(case: Path) -> bytes:
    """What the encoders make of a case."""
    given: dict[str, Any] = json.loads((case / "in.json").read_text(encoding="utf-8"))
    options = dict(given["body"])
    body = BODIES[options.pop("kind")](**options)
    records = [Record(ordinal, **record) for ordinal, record in enumerate(given["records"])]
    if "header" not in given:
        return "\n".join(map(body.text, records)).encode()
    limits = {name: given[name] for name in ("max_bytes", "oversize") if name in given}
    encoder = Rfc5424(Header(**given["header"]), body, framing=given["framing"], **limits)
    return encoder.frame([encoder.encode(record) for record in records])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_bytes(case: Path) -> None:
    """A record becomes exactly these bytes."""
    found, golden = made(case), case / "out.bin"
    if os.environ.get("LOGFERRY_REWRITE_GOLDEN") == "1":
        golden.write_bytes(found)
        pytest.fail(f"{golden} was written anew: read the difference")
    assert found == golden.read_bytes()


def test_cases_are_there() -> None:
    """The folder was found and is not empty."""
    assert len(CASES) >= 20
