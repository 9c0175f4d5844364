"""Signed requests to a log store, one by one, with every part open to mistakes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import lz4.block
import msgspec
import requests

from logferry.sls.credentials import Credentials
from logferry.sls.signing import API_VERSION, Message, signed_headers
from logferry.sls.write import encode_log_group
from logferry.vault import Secret
from logferry_local.sls_server import serving

__all__ = ["KEY_ID", "SECRET", "Caller", "Reply", "furnished", "group"]

KEY_ID, SECRET = "test-key", "test-secret"


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401  # JSON from outside
        """The body as JSON."""
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The error code, or "" for a success."""
        return "" if self.status == 200 else str(self.document["errorCode"])


class Caller:
    """Sends to one store. V4 if a region is given."""

    def __init__(
        self,
        address: str,
        *,
        region: str = "",
        key_id: str = KEY_ID,
        secret: str = SECRET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.address, self.region, self._clock = address, region, clock
        self.credentials = Credentials(key_id, Secret(secret))
        self.project = "project-one"
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def signed(
        self, method: str, path: str, params: Mapping[str, str], body: bytes = b"", now: float | None = None
    ) -> dict[str, str]:
        """The headers of a right request."""
        headers = {"Host": f"{self.project}.cn-test.example", "x-log-apiversion": API_VERSION}
        headers["x-log-bodyrawsize"] = str(len(body))
        headers |= {"Content-Type": "application/json"} if body else {}
        message = Message(method, path, params, headers)
        return signed_headers(message, body, self.credentials, self._clock() if now is None else now, self.region)

    def call(self, method: str, path: str, params: Mapping[str, str] | None = None, document: object = None) -> Reply:
        """One right request with a JSON body, or none."""
        params = params or {}
        body = b"" if document is None else msgspec.json.encode(document)
        return self.send(method, path, params, body, self.signed(method, path, params, body))

    def put(self, logstore: str, group: bytes, way: str = "lb", **changed: str) -> Reply:
        """PutLogs, lz4; `changed` headers (with `_` for `-`) are signed as they are, an empty one is left out."""
        headers = {"x-log-compresstype": "lz4", "x-log-bodyrawsize": str(len(group))}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return self.put_body(logstore, lz4.block.compress(group, store_size=False), headers, way)

    def put_body(self, logstore: str, body: bytes, changed: Mapping[str, str], way: str = "lb") -> Reply:
        """PutLogs of a body that is compressed already."""
        way, _, key = way.partition("?key=")
        path, params = f"/logstores/{logstore}/shards/{way}", {"key": key} if key else {}
        headers = {"Host": f"{self.project}.cn-test.example", "x-log-apiversion": API_VERSION}
        headers |= {"Content-Type": "application/x-protobuf"}
        headers = {name: value for name, value in (headers | dict(changed)).items() if value}
        message = Message("POST", path, params, headers)
        return self.send(
            "POST", path, params, body, signed_headers(message, body, self.credentials, self._clock(), self.region)
        )

    def pull(self, logstore: str, shard: int, cursor: str, **params: str) -> Reply:
        """PullLogs without compression."""
        return self.call("GET", f"/logstores/{logstore}/shards/{shard}", {"type": "log", "cursor": cursor, **params})

    def cursor(self, logstore: str, shard: int, at: str) -> str:
        """GetCursor."""
        reply = self.call("GET", f"/logstores/{logstore}/shards/{shard}", {"type": "cursor", "from": at})
        return str(reply.document["cursor"])

    def send(self, method: str, path: str, params: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Exactly this."""
        query = f"?{urlencode(params)}" if params else ""
        plain = {"Accept-Encoding": "", "User-Agent": "test", **headers}
        reply = self._session.request(
            method, self.address + quote(path) + query, data=body, headers=plain, timeout=30, allow_redirects=False
        )
        return Reply(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, reply.content)


def group(text: str, count: int = 1, name: str = "m") -> bytes:
    """A log group of `count` logs with one field."""
    return encode_log_group([(1_700_000_000, 0, {name: text})] * count, topic="t")


@contextmanager
def furnished(folder: Path) -> Iterator[str]:
    """A store with project-one, its logstore `waf` of one shard, an index and a consumer group `g`; its address."""
    store = "/logstores/waf"
    with serving(folder, {KEY_ID: Secret(SECRET)}) as address:
        caller = Caller(address)
        made = [
            caller.call("POST", "/", document={"projectName": "project-one", "description": ""}),
            caller.call("POST", "/logstores", document={"logstoreName": "waf", "ttl": 30, "shardCount": 1}),
            caller.call("POST", f"{store}/index", document={"line": {"token": [" "]}}),
            caller.call("POST", f"{store}/consumergroups", document={"consumerGroup": "g", "timeout": 10}),
        ]
        caller.close()
        if any(reply.status != 200 for reply in made):
            raise AssertionError(made)
        yield address
