"""What every format and every body of a syslog message promises, over the files in `encoders/` that play these parts.

A new file is tested here as soon as it is there.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import registry
from logferry.config import Config, load
from logferry.destinations import Surroundings, syslog_server
from logferry.encoders.framed import messages
from logferry.model import Record, Value
from logferry.vault import Vault
from logferry_local.sinks._frames import Frame
from logferry_local.sinks._messages import judge

PARTS = {name: getattr(registry.find("encoders", name), "ROLE", "") for name in registry.names("encoders")}
FORMATS = [name for name, role in PARTS.items() if role == "format"]
BODIES = [name for name, role in PARTS.items() if role == "body"]
# The short header is for events alone: what stands behind it must say itself what it is.
PAIRS = [(form, body) for form in FORMATS for body in BODIES if form != "rfc5424_short" or body in ("cef", "leef")]
FIELDS = st.dictionaries(
    st.text(alphabet="ab_é =|", max_size=6),
    st.text(alphabet='a\n\r\\|=^\t\0"é世 ', max_size=60) | st.integers(),
    max_size=5,
)


def frame(form: str, body: str, fields: dict[str, Value], **options: object) -> bytes:
    """A record as the destination sends it."""
    config = load(syslog_server.Config, {"host": "h", "hostname": "web-1", "format": form, "body": body} | options)
    made = syslog_server.encoder(config, Surroundings("task-1", Vault({})))
    return made.encode(Record(0, 1774426530, 1, fields))


def test_parts_are_found() -> None:
    """The room is read at all, and an encoder that plays no part is not taken for one."""
    assert {"rfc3164", "rfc5424"} <= set(FORMATS)
    assert {"cef", "json_lines", "key_value", "leef"} <= set(BODIES)
    assert PARTS["hec"] == ""


@pytest.mark.parametrize("name", [*FORMATS, *BODIES])
def test_a_part_has_its_public_names(name: str) -> None:
    """ROLE, Config and build; its bare defaults are valid."""
    module: Any = registry.find("encoders", name)
    assert {"ROLE", "Config", "build"} <= set(module.__all__)
    assert issubclass(module.Config, Config)
    load(module.Config, {})


@pytest.mark.parametrize(("form", "body"), PAIRS)
@settings(max_examples=60)
@given(fields=FIELDS)
def test_any_record_is_one_line_that_a_strict_receiver_takes(form: str, body: str, fields: dict[str, Value]) -> None:
    """Whatever keys and values hold: no forged line, no broken header, no event that cannot be read."""
    line = frame(form, body, fields)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    told = judge(Frame(line[:-1], "lf"))
    assert "wrong" not in told, told
    assert told["header"] == form


@pytest.mark.parametrize(("form", "body"), PAIRS)
@pytest.mark.parametrize("oversize", ["split", "truncate"])
@settings(max_examples=30)
@given(fields=FIELDS, times=st.integers(20, 60))
def test_pieces_fit_and_are_taken_too(
    form: str, body: str, oversize: str, fields: dict[str, Value], times: int
) -> None:
    """Each piece of a long record is a message of its own, within the limit."""
    long: dict[str, Value] = {key: str(value) * times for key, value in fields.items()}
    found = list(messages(frame(form, body, long, oversize=oversize, max_message_bytes=600, framing="octet_counting")))
    assert found
    for message in found:
        assert len(message) <= 600
        told = judge(Frame(message, "octet_counting"))
        assert "wrong" not in told, told
