"""Syslog messages and bodies byte for byte: tests/golden/syslog/<case>/{in.json,out.bin}.

`in.json` holds header, format, framing, body and records (without a header: the body alone); `out.bin` is what
they become. What RFC 5424, RFC 3164, RFC 6587, CEF and LEEF fix was worked out from their grammar, not written by the
encoder. A reviewed change is written with LOGFERRY_REWRITE_GOLDEN=1 (the test fails all the same, so that nobody runs
with it unseen).

Where a format leaves the choice, ours is: RFC 5424 times are UTC, never with an offset, and STRUCTURED-DATA is nil;
LEEF 2.0 always names its delimiter, a tab as x09; pairs with an empty value are left out of CEF and LEEF.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from logferry import registry
from logferry.config import load
from logferry.encoders import Body
from logferry.encoders.framed import Framed, Sizes
from logferry.model import Record
from logferry.pieces import cut
from logferry.syslog_header import Header, Sender

CASES = sorted(path.parent for path in Path(__file__).parent.glob("syslog/*/in.json"))


class Text:
    """A body that is one field as it stands."""

    one_line = False
    is_titled = False

    def text(self, record: Record) -> str:
        """The field `text`."""
        return str(record.fields["text"])

    def cuts(self, text: str, room: int) -> Iterator[bytes]:
        """Pieces of the text."""
        return cut(text.encode(), room)

    def piece(self, marks: Mapping[str, str | int], inside: bytes) -> bytes:
        """Marks in brackets."""
        return str(dict(marks)).encode() + inside


def part(given: Mapping[str, Any], *rest: Any) -> Any:  # noqa: ANN401  # a header or a body
    """The file of `encoders` that `kind` names, built with the other options."""
    module = registry.find("encoders", given["kind"])
    return module.build(load(module.Config, {name: one for name, one in given.items() if name != "kind"}), *rest)


def made(case: Path) -> bytes:
    """What the encoders make of a case."""
    given: dict[str, Any] = json.loads((case / "in.json").read_text(encoding="utf-8"))
    body: Body = Text() if given["body"]["kind"] == "text" else part(given["body"])
    records = [Record(ordinal, **record) for ordinal, record in enumerate(given["records"])]
    if "header" not in given:
        return "\n".join(map(body.text, records)).encode()
    sender = dict(given["header"])
    priority = sender.pop("facility", 1) * 8 + sender.pop("severity", 6)
    header: Header = part(given.get("format", {"kind": "rfc5424"}), Sender(**sender, is_titled=body.is_titled))
    sizes = Sizes(given.get("max_bytes", 8192), given.get("oversize", "split"))
    encoder = Framed(header, body, framing=given["framing"], priority=priority, sizes=sizes)
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
