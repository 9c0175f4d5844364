"""DynamoDB's JSON protocol (1.0), as much of it as a table needs: one signed POST an operation.

Our own and not the SDK's: importing boto3 and making its client was half of a cold start (160 of 370 CPU-ms, with a
bare interpreter at 11). An operation has three attempts in all, with jittered back-off, for what time heals
(throttling, 5xx, the network), each of 3 s to connect and 8 s in all; an answer that does not fit its checksum is none.
Region: the option, else `AWS_REGION`, `AWS_DEFAULT_REGION`. Address: the option, else `AWS_ENDPOINT_URL_DYNAMODB`,
`AWS_ENDPOINT_URL`, else the public one. Key: the environment's at each call, as a function's runtime renews it.
What the environment does not tell, the SDK's own search finds (profile, role of a container or a machine).
Source: AWS, "DynamoDB low-level API", "Amazon DynamoDB API Reference".
"""

import os
import random
import re
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from logferry.aws_keys import SdkChain, key_of
from logferry.aws_verdicts import verdict
from logferry.errors import Misconfigured, StateError, Transient
from logferry.sigv4 import Key, Message, signed
from logferry.transport.web import Reply, Web

__all__ = ["Clocks", "Declined", "Service"]

_ATTEMPTS = 3
_TIME_OUT, _CONNECT = 8.0, 3.0
_LARGEST = 16_777_216  # a page is 1 MB before base64 and names
_MOST_PAUSE = 2.0


class Declined(Exception):
    """The condition of a write does not hold; `item` is the row that is there."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__("condition")
        self.item = item


class Clocks(Struct, frozen=True):
    """Time and chance as parameters."""

    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Service:
    """Asked by any number of threads; after a fork by connections of its own."""

    def __init__(self, options: Mapping[str, str], subject: str, clocks: Clocks = Clocks()) -> None:  # noqa: B008  # a constant
        self._options, self._subject, self._clocks = options, subject, clocks
        self._chain = SdkChain()
        self._web, self._pid = Web(max_reply=_LARGEST), 0

    def ask(self, operation: str, document: Mapping[str, object]) -> dict[str, Any]:
        """The answer; Declined, StateError (worth trying again) or Misconfigured."""
        body = msgspec.json.encode(document)
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._once(operation, body)
            except StateError:
                self._clocks.sleep(self._clocks.chance() * min(0.25 * 2**attempt, _MOST_PAUSE))
        return self._once(operation, body)

    def close(self) -> None:
        """Let go of the connections; a later use makes new ones."""
        self._web.close()

    def _once(self, operation: str, body: bytes) -> dict[str, Any]:
        region = self._region()
        url = self._url(region)
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        message = Message("POST", urlsplit(url).netloc, "/", "", headers, body)
        sent = signed(message, self._key(), region, self._clocks.wall(), "dynamodb")
        try:
            reply = self._connections().request(
                "POST", url, headers=sent, body=body, time_out=_TIME_OUT, connect=_CONNECT
            )  # fmt: skip
        except Transient as error:
            raise StateError(f"{self._subject}: {error}") from None
        except Misconfigured as error:
            raise Misconfigured(f"{self._subject}: {error}") from None
        return self._document(reply)

    def _document(self, reply: Reply) -> dict[str, Any]:
        said = reply.headers.get("x-amz-crc32", "")
        is_whole = not said.isdecimal() or int(said) == zlib.crc32(reply.body)
        try:
            found = msgspec.json.decode(reply.body) if is_whole else None
        except msgspec.DecodeError:
            found = None
        if reply.status == 200 and isinstance(found, dict):
            return found
        if reply.status == 200:
            raise StateError(f"{self._subject}: dynamodb's answer came damaged")
        found = found if isinstance(found, dict) else {}
        code = re.sub(r"[^A-Za-z]", "", str(found.get("__type", "")).rpartition("#")[2])[:80]
        if code == "ConditionalCheckFailedException":
            raise Declined(found.get("Item") or {})
        raise verdict(f"{self._subject}: dynamodb", reply.status, code)

    def _connections(self) -> Web:
        if self._pid != os.getpid():  # the parent's connections are the parent's
            ca_file = os.environ.get("AWS_CA_BUNDLE") or None
            self._web, self._pid = Web(max_reply=_LARGEST, ca_file=ca_file), os.getpid()
        return self._web

    def _region(self) -> str:
        found = self._options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        found = found or _configured("region")
        if not found or not re.fullmatch(r"[a-z0-9-]{2,40}", found):
            raise Misconfigured(f"{self._subject}: no region: set region, or AWS_REGION")
        return found

    def _url(self, region: str) -> str:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"))
        url = self._options.get("endpoint") or next(filter(None, named), f"https://dynamodb.{region}.{suffix}")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise Misconfigured(f"{self._subject}: endpoint: is not http://HOST:PORT or https://HOST:PORT")
        return f"{parts.scheme}://{parts.netloc}/"

    def _key(self) -> Key:
        try:
            return key_of(os.environ, self._chain)
        except Misconfigured as error:
            raise Misconfigured(f"{self._subject}: {error} (no credentials in the environment)") from None


def _configured(name: str) -> str:
    """What the SDK's configuration file says."""
    try:
        from botocore.session import Session
    except ImportError:
        return ""
    return str(Session().get_config_variable(name) or "")
