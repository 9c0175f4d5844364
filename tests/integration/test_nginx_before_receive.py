"""The nginx configuration of docs/receive.md, in a real nginx: it asks verify_request, and hands on what is signed."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.certificates import Authority
from tests.fakes.receiving import KEY, PATH, signature
from tests.fakes.serving import nginx, serve

from logferry import task as tasks
from logferry import wiring
from logferry.model import Counts
from logferry.transport.web import Reply, Web
from logferry.vault import Secret
from logferry_local.sinks import Place, hec

PAGE = Path(__file__).parents[2] / "docs/receive.md"

pytestmark = pytest.mark.service("nginx")


@dataclass
class Front:
    """nginx, and what stands behind it."""

    folder: Path
    address: str
    ca_file: Path
    environ: dict[str, str]

    def post(self, query: str, body: bytes = b'{"id":1}', path: str = PATH, **headers: str) -> Reply:
        """A request to nginx."""
        web = Web(ca_file=str(self.ca_file))
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.request("POST", f"{self.address}{path}?{query}", headers=given, body=body, time_out=20)
        finally:
            web.close()

    def counts(self) -> Counts:
        """What the ledger says."""
        rows = wiring.workshop(self.environ).ledger.rows("received")
        return sum((row.counts for row in rows), Counts())

    def texts(self) -> str:
        """All that nginx wrote: access and error log."""
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def configured(folder: Path, certificate: tuple[Path, Path], ports: tuple[int, int, int]) -> str:
    """The page's block with this test's ports and files."""
    (block,) = re.findall(r"^```nginx\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for old, new in (
        ("listen 8443 ssl", f"listen 127.0.0.1:{ports[0]} ssl"), ("127.0.0.1:8080", f"127.0.0.1:{ports[1]}"),
        ("127.0.0.1:8081", f"127.0.0.1:{ports[2]}"), ("/etc/nginx/logs.example.pem", str(certificate[0])),
        ("/etc/nginx/logs.example.key", str(certificate[1])), ("/var/log/nginx/logs.log", f"{folder}/access.log"),
        ("/var/log/nginx/logs-error.log", f"{folder}/server.log"),
    ):  # fmt: skip
        assert block.count(old) == 1, old
        block = block.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    return f"pid {folder}/nginx.pid;\nworker_processes 1;\nevents {{}}\nhttp {{\n{places}{block}}}\n"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx before both servers, a HEC receiver behind them."""
    folder = tmp_path_factory.mktemp("front")
    with ExitStack() as stack:
        sink = hec.open_sink(Place(folder / "hec.ndjson"), hec.Options(token="t"))
        stack.callback(sink.close)
        environ = {
            "LOGFERRY_STATE": f"sqlite:{folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{folder}/objects",
            "KEY": KEY.reveal(), "TOKEN": "t",
        }  # fmt: skip
        stack.callback(wiring.dismiss)
        source = {"received": {"path": PATH, "keys": ["secret://env/KEY"]}}
        to = {"splunk_hec": {"url": sink.address, "token": "secret://env/TOKEN", "ack": False}}
        made = tasks.load({"task": "received", "source": source, "destination": to})
        wiring.workshop(environ).tasks.apply(made)
        told = {"LOGFERRY_AUTH_KEYS": "secret://env/KEY", "LOGFERRY_AUTH_URI_HEADER": "X-Original-URI"}
        receive = stack.enter_context(serve(folder, environ, "receive"))
        verify = stack.enter_context(serve(folder, {**environ, **told}, "verify_request"))
        authority = Authority(folder / "ca")
        certificate = authority.issue()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        text = configured(
            folder, (certificate.cert_file, certificate.key_file), (port, receive.port, verify.port)
        )  # fmt: skip
        stack.enter_context(nginx(folder, text, port))
        yield Front(folder, f"https://127.0.0.1:{port}", authority.ca_file, environ)


def test_a_signed_post_goes_through_both(front: Front) -> None:
    """nginx asks, hands on, and the answer comes back; the ledger has the record."""
    before = front.counts()
    assert front.post(f"site=a&{signature()}").status == 200
    assert front.counts() == before + Counts(read=1, delivered=1)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "auth_key=x",
        signature(key=Secret("other9key")),
        signature("/logs/other"),
        signature()[:20],
    ],
    ids=["none", "malformed", "other key", "other path", "cut"],
)
def test_an_unsigned_post_is_stopped_by_nginx(front: Front, query: str) -> None:
    """403, and `receive` never hears of it."""
    before, heard = front.counts(), _refusals(front)
    assert front.post(query).status == 403
    assert front.counts() == before
    assert _refusals(front) == heard


def _refusals(front: Front) -> int:
    return front.texts().count("post refused")


def test_a_header_of_the_strangers_own_does_not_help(front: Front) -> None:
    """nginx sets it itself, over whatever came."""
    assert front.post("", X_Original_URI=f"{PATH}?{signature()}").status == 403


def test_nobody_can_ask_for_a_verdict(front: Front) -> None:
    """The place is internal."""
    assert front.post(signature("/verdict"), path="/verdict").status == 404


def test_a_body_over_nginxs_limit_is_refused_there(front: Front) -> None:
    """413 before `receive` sees it."""
    before = front.counts()
    assert front.post(signature(), body=b" " * 33_600_000).status == 413
    assert front.counts() == before


def test_no_log_of_any_of_the_three_holds_a_signature(front: Front) -> None:
    """Access log, error log and both servers."""
    query = signature(key=Secret("leaky1key"))
    good = signature()
    front.post(query)
    front.post(good)
    assert "POST /logs/esa" in front.texts()
    assert query.rpartition("-")[2] not in front.texts()
    assert good.rpartition("-")[2] not in front.texts()
