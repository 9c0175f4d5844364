"""`make audit`: pip and pip-audit themselves, against an index and an advisory service on loopback."""

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from checks import __main__, advisories, yanked
from checks.advisories import CONTROL, NotMadeError
from checks.locks import Pin

PIN = Pin("deps", "ferrytest", "1.0")
BAD = {"ferrytest": "CVE-2026-0001"}


def wheel() -> bytes:
    """The smallest that pip takes."""
    about = "ferrytest-1.0.dist-info"
    files = {
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: ferrytest\nVersion: 1.0\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
            digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(body)}\n"
        archive.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
    return made.getvalue()


class Services(BaseHTTPRequestHandler):
    """A package index (PEP 503, 592) and an advisory service (OSV's query)."""

    yanked = False
    known: dict[str, str] = {}  # noqa: RUF012  # set by each test

    def do_GET(self) -> None:
        """The index's page, or the wheel."""
        mark = ' data-yanked="broken"' if self.yanked else ""
        page = f'<a href="/ferrytest-1.0-py3-none-any.whl"{mark}>ferrytest-1.0-py3-none-any.whl</a>'
        self._answer(wheel() if self.path.endswith(".whl") else page.encode(), "text/html")

    def do_POST(self) -> None:
        """What is known of a version."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        where = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": []}
        rows = [{"id": self.known[name], "affected": [where]}] if name in self.known else []
        self._answer(json.dumps({"vulns": rows} if rows else {}).encode(), "application/json")

    def log_message(self, *words: object) -> None:
        """Nothing."""

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def services() -> Iterator[tuple[str, type[Services]]]:
    """Its address, and the class whose attributes say what it knows."""
    handler = type("Handler", (Services,), {"known": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def osv(address: str) -> tuple[str, ...]:
    """pip-audit's options."""
    return ("-s", "osv", "--osv-url", address, "--timeout", "5")


def test_a_yanked_version_is_found(services: tuple[str, type[Services]]) -> None:
    """The mark of the index is told with name and version; without it there is nothing to tell."""
    address, handler = services
    options = ("--index-url", f"{address}/simple")
    assert list(yanked.findings([PIN], options)) == []
    handler.yanked = True
    assert list(yanked.findings([PIN], options)) == ["ferrytest 1.0: its authors have taken this version back (yanked)"]


def test_an_index_that_does_not_answer_is_no_good_news() -> None:
    """Nobody listens: the audit was not made."""
    with pytest.raises(NotMadeError, match="pip could not ask the index"):
        list(yanked.findings([PIN], ("--index-url", "http://127.0.0.1:1/simple", "--no-index")))


def test_a_known_vulnerability_is_found(services: tuple[str, type[Services]]) -> None:
    """It is told with its layer and number; the control is not."""
    address, handler = services
    handler.known = BAD | {CONTROL.name: "CVE-2016-10745"}
    (found,) = advisories.findings([PIN], osv(address))
    assert found == "layers/deps: ferrytest 1.0: CVE-2026-0001; fixed in no version yet"


def test_a_service_that_knows_nothing_has_audited_nothing(services: tuple[str, type[Services]]) -> None:
    """A mirror without advisories answers "nothing known" to everything: the vulnerable control shows it."""
    with pytest.raises(NotMadeError, match=r"knows nothing even of jinja2 2\.4\.1"):
        list(advisories.findings([PIN], osv(services[0])))


def test_an_audit_that_was_not_made_is_no_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 and the words NOT AUDITED, when nobody can be asked."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert __main__.main(["audit"]) == __main__.NOT_MADE
    assert "NOT AUDITED" in capsys.readouterr().err
