"""What a far side, a record or a caller says cannot write lines of its own into a log, nor move a terminal's cursor."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.depots import payload

from logferry.config import load
from logferry.destinations import Surroundings, http_server, s3_compatible, splunk_hec
from logferry.errors import ConfigError, DeliveryError, Misconfigured, Refused, Transient
from logferry.runtime.log_lines import Formatter
from logferry.vault import Vault

TRAP = 'no\r\n{"level":"error"}\x1b[2J\x1b]0;title\x07\x9b31m\u2028\u202eevil\x00\x7f'
BODIES = {
    "http_server": TRAP.encode(),
    "splunk_hec": json.dumps({"text": TRAP, "code": 6, "invalid-event-number": 0}).encode(),
    "s3_compatible": f"<Error><Code>{TRAP}</Code><Message>{TRAP}</Message></Error>".encode(),
}
OPTIONS = {
    "http_server": {"url": "{address}"},
    "splunk_hec": {"url": "{address}", "token": "secret://env/T"},
    "s3_compatible": {
        "endpoint": "{address}", "bucket": "logs", "addressing": "path", "access_key_id": "secret://env/T",
        "secret_access_key": "secret://env/T",
    },
}  # fmt: skip
KINDS = {"http_server": http_server, "splunk_hec": splunk_hec, "s3_compatible": s3_compatible}


@given(st.text())
def test_any_error_is_one_plain_line(text: str) -> None:
    """Whatever comes into a message, what comes out can be written to a terminal and a line of a file."""
    errors = (
        Transient(text), Misconfigured(text), ConfigError([text]), Refused("some", refused={0: text}),
    )  # fmt: skip
    said = [*map(str, errors), *errors[2].problems, *errors[3].refused.values()]
    for one in said:
        assert len(one.splitlines()) <= 1
        assert "\x1b" not in one
        one.encode()  # no half of a pair is left


@contextmanager
def far_side(status: int, body: bytes) -> Iterator[str]:
    """An HTTP server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET = answer  # noqa: N815  # the names that it has

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [400, 403, 503])
@pytest.mark.parametrize("kind", KINDS)
def test_a_far_sides_answer_is_quoted_in_plain_text(kind: str, status: int) -> None:
    """Its text is in the message, without the power to end the line."""
    with far_side(status, BODIES[kind]) as address:
        options = {name: value.format(address=address) for name, value in OPTIONS[kind].items()}
        config = load(KINDS[kind].Config, options)
        destination = KINDS[kind].build(config, Surroundings("t", Vault({"T": "token"})))
        with pytest.raises(DeliveryError) as caught:
            destination.send(payload(), 5.0)
        destination.close()
    said = [str(caught.value), *getattr(caught.value, "refused", {}).values()]
    assert all(one.isprintable() for one in said)


def test_a_log_line_is_one_line_whatever_is_in_it() -> None:
    """Values are escaped, so that neither a line break nor a terminal's command gets out; read back it is the same."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Formatter())
    record = logging.makeLogRecord({"msg": TRAP, "name": "logferry.x", "levelname": "INFO", "key": TRAP + "\ud800ü"})
    handler.emit(record)
    (line,) = out.getvalue().splitlines()
    assert line.isprintable()
    assert "ü" in line
    assert json.loads(line)["message"] == TRAP
