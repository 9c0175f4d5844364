"""A machine with a log store in which the demo's logstore lives, and one delivery task to a HEC receiver."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logferry import apply, state
from logferry.sls import projects
from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry.sls.write import encode_log_group
from logferry.sources import Surroundings
from logferry.vault import Secret, Vault
from logferry_local.sinks import Place as SinkPlace
from logferry_local.sinks import hec
from logferry_local.sls_server import serving

__all__ = ["KEY", "Delivery", "Place", "delivering", "furnished"]

KEY = {"SLS_AK_ID": "key-id", "SLS_AK_KEY": "key-secret"}


class Place:
    """The demo's logstore, with two shards, in an embedded log store; `now` is its clock if it is set."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.now = 0.0

    def open(self) -> None:
        """Make project and logstore."""
        client = Client(
            endpoint=Endpoint.parse(self.address), project="waf-demo", keys=EnvironKeys(KEY), clock=self.clock
        )
        projects.create_project(client)
        projects.create_logstore(client, "waf-logstore", shards=2)
        self.logstore = Logstore(client, "waf-logstore")

    def clock(self) -> float:
        """The store's time."""
        return self.now or time.time()

    def put(self, shard: int, *names: str) -> None:
        """One log group into one shard, now: a log for each name."""
        logs = [(int(self.clock()), 0, {"name": name, "status": "200"}) for name in names or ("log",)]
        self.logstore.put_logs(encode_log_group(logs), hash_key=f"{0x7F + shard:02x}" + "f" * 30)


@contextmanager
def furnished(folder: Path, *, now: float = 0.0) -> Iterator[Place]:
    """The log store, serving."""
    place = Place("")
    place.now = now
    with serving(folder, {"key-id": Secret("key-secret")}, clock=place.clock) as address:
        place.address = address
        place.open()
        try:
            yield place
        finally:
            place.logstore.client.close()


class Delivery:
    """A place with the task `waf-to-splunk` applied, and the receiver it delivers to."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self._out = folder / "received.jsonl"
        self.sink = hec.open_sink(SinkPlace(out=self._out), hec.Options(token="hec-token"))
        self.environ = {
            **KEY, "PATH": os.environ["PATH"], "SPLUNK_TOKEN": "hec-token",
            "LOGFERRY_STATE": f"sqlite:{folder / 'state.db'}", "LOGFERRY_OBJECTS": f"folder:{folder / 'objects'}",
        }  # fmt: skip

    def apply(self) -> None:
        """Put the task to work, from the beginning of each shard."""
        source = {"endpoint": self.place.address, "project": "waf-demo", "logstore": "waf-logstore"}
        document = {
            "task": "waf-to-splunk", "source": {"sls": source}, "start": "begin",
            "destination": {"splunk_hec": {"url": self.sink.address, "token": "secret://env/SPLUNK_TOKEN"}},
        }  # fmt: skip
        table = state.open_table(self.environ["LOGFERRY_STATE"])
        apply.apply(json.dumps(document), table, Surroundings(self.environ, Vault(self.environ)))
        table.close()

    def event(self, shard: int) -> bytes:
        """What the trigger says of a shard: everything from its beginning to its end."""
        cursor = self.place.logstore.get_cursor
        source = {
            "endpoint": self.place.address, "projectName": "waf-demo", "logstoreName": "waf-logstore", "shardId": shard,
            "beginCursor": cursor(str(shard), "begin"), "endCursor": cursor(str(shard), "end"),
        }  # fmt: skip
        return json.dumps({"parameter": {}, "source": source, "jobName": "0" * 40, "taskId": "t"}).encode()

    def received(self) -> list[str]:
        """Names of the logs that the receiver acknowledged, sorted."""
        lines = self._out.read_text().splitlines() if self._out.exists() else []
        return sorted(json.loads(line)["event"]["name"] for line in lines)


@contextmanager
def delivering(folder: Path) -> Iterator[Delivery]:
    """Log store, receiver and task."""
    with furnished(folder / "store") as place:
        made = Delivery(place, folder)
        try:
            made.apply()
            yield made
        finally:
            made.sink.close()
