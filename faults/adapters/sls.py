"""sls in the matrix: the embedded log store as the receiver, which a thread reads into the file."""

import re
import threading
import time

from faults.adapters import Address, Way
from logferry.sls.client import Client, web
from logferry.sls.codec import LogGroups
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore, Pull
from logferry.sls.projects import create_logstore, create_project
from logferry.vault import Secret
from logferry_local.sinks import Place, Sink
from logferry_local.sls_server.running import serving

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

WAYS = (Way("sls", "sls", "answer", frozenset({"web", "tls"})),)
ENVIRON = {"CENTRAL_ID": "central-id", "CENTRAL_KEY": "central-key"}
_PROJECT, _LOGSTORE = "central", "edge-logs"
_KEYS = {ENVIRON["CENTRAL_ID"]: Secret(ENVIRON["CENTRAL_KEY"])}
_ID = re.compile(rb"id-\d{6}")
_LOOK = 0.05  # seconds


def sink(place: Place, way: Way) -> Sink:  # noqa: ARG001  # the protocol's
    """Takes our key only. That a large log is parked is the encoder's doing."""
    return _Store(place)


def options(way: Way, address: Address) -> dict[str, object]:  # noqa: ARG001  # the protocol's
    """Three requests to a batch. Without a guard, so that the store can be read as any other."""
    scheme, trust = ("https", {"ca_file": address.ca_file}) if address.ca_file else ("http", {})
    return {
        "endpoint": f"{scheme}://{address.host}:{address.port}", "project": _PROJECT, "logstore": _LOGSTORE,
        "access_key_id": "secret://env/CENTRAL_ID", "access_key_secret": "secret://env/CENTRAL_KEY",
        "time_out": address.timeout, "max_records": 40, "max_log_bytes": 2_000, "loop_guard": False, **trust,
    }  # fmt: skip


def identity(line: bytes) -> str | None:
    """A log that is in the store came whole."""
    found = _ID.search(line)
    return found[0].decode() if found else None


class _Store:
    def __init__(self, place: Place) -> None:
        self._out = place.out
        self._serving = serving(place.out.with_suffix(".sls"), _KEYS)
        self.address = self._serving.__enter__()
        keys = EnvironKeys({"SLS_AK_ID": ENVIRON["CENTRAL_ID"], "SLS_AK_KEY": ENVIRON["CENTRAL_KEY"]})
        client = Client(endpoint=Endpoint.parse(self.address), project=_PROJECT, keys=keys, web=web())
        create_project(client)
        create_logstore(client, _LOGSTORE, shards=1)
        self._logstore = Logstore(client, _LOGSTORE)
        self._cursor = self._logstore.get_cursor("0", "begin")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-to-file", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read what is left, then stop."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join(20)
        self._logstore.client.close()
        self._serving.__exit__(None, None, None)

    def _run(self) -> None:
        while not self._closing.wait(_LOOK):
            self._read()
        until = time.monotonic() + 10
        while self._read() and time.monotonic() < until:
            pass

    def _read(self) -> int:
        """How many log groups were new."""
        pulled = self._logstore.pull_logs("0", Pull(self._cursor))
        with self._out.open("ab") as file:
            for record in LogGroups(pulled.data, self._cursor, pulled.next_cursor).records():
                file.write(str(record.fields["id"]).encode() + b"\n")
        self._cursor = pulled.next_cursor
        return pulled.groups
