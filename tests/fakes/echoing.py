"""An HTTP server that tells everything back that it was told, in the forms that each protocol has for an error."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

__all__ = ["echoing"]


@contextmanager
def echoing(form: str, status: int, *, to: str = "") -> Iterator[str]:
    """Its address. `form`: json (Splunk's and the log service's error), xml (S3's) or text; `to` is where 3xx lead."""

    class Handler(_Handler):
        owner = (form, status, to)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: tuple[str, int, str]

    def answer(self) -> None:
        """The whole request, headers first."""
        form, status, to = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
        said = f"{self.requestline} {' '.join(f'{name}: {value}' for name, value in self.headers.items())} {body}"
        forms = {
            "json": json.dumps({"text": said, "code": 6, "errorCode": said[:60], "errorMessage": said}),
            "xml": f"<Error><Code>{escape(said)}</Code><Message>{escape(said)}</Message></Error>",
            "text": said,
        }
        content = forms[form].encode("utf-8", "replace")
        self.send_response(status, said[:40].replace("\r", " ").replace("\n", " "))
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", "0" if status == 204 else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer  # noqa: N815  # the names that it has

    def log_message(self, *words: object) -> None:
        """Nothing."""
