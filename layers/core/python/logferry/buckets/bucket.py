"""One bucket: put, get and a look, each one signed request within its time."""

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from logferry import sigv4
from logferry.buckets import answers
from logferry.buckets.endpoint import Address
from logferry.buckets.keyring import Keyring
from logferry.buckets.options import Options
from logferry.errors import Misconfigured, Transient
from logferry.transport.reach import Reach
from logferry.transport.web import Reply, Web

__all__ = ["Bucket", "Place", "web_of"]

log = logging.getLogger(__name__)

_CONNECT = 10.0  # seconds


class Place(NamedTuple):
    """Where a bucket is, and how it is named in errors."""

    address: Address
    region: str

    @property
    def name(self) -> str:
        """Bucket and host."""
        return f"bucket {self.address.bucket} at {self.address.host}"


class Bucket:
    """Any number of threads at once."""

    def __init__(self, place: Place, keyring: Keyring, web: Web, clock: Callable[[], float]) -> None:
        self.place, self.keyring = place, keyring
        self._web, self._clock = web, clock

    def put(self, key: str, body: bytes, headers: Mapping[str, str], time_out: float) -> None:
        """Write or overwrite an object, whole or not at all. Raises a DeliveryError."""
        reply = self._ask("PUT", key, "", headers, body, time_out)
        self._judge(reply)
        if not reply.headers.get("ETag"):
            text = answers.said(reply, self.place.name)
            raise Misconfigured(f"{text} without an ETag: no object store answered, look at what is in between")

    def get(self, key: str, time_out: float) -> bytes:
        """An object of at most 64 KiB. Raises a DeliveryError, Misconfigured if it is not there."""
        reply = self._ask("GET", key, "", {}, b"", time_out)
        self._judge(reply)
        return reply.body

    def look(self, query: Mapping[str, str], time_out: float) -> Reply | None:
        """What the bucket says of itself; None where that is not for this key to know, or the service does not tell.

        A key that may only put is enough, so a refusal of the right to look is none.
        """
        text = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
        reply = self._ask("GET", "", text, {}, b"", time_out)
        code = answers.code_of(reply)
        is_hidden = (reply.status == 403 and code in ("AccessDenied", "Forbidden")) or reply.status in (405, 501)
        if is_hidden and answers.region_told(reply) in ("", self.place.region):
            return None
        self._judge(reply)
        return reply

    def close(self) -> None:
        """Close the kept connections; never raises."""
        self._web.close()

    def _ask(
        self, method: str, key: str, query: str, headers: Mapping[str, str], body: bytes, time_out: float
    ) -> Reply:
        address, region = self.place
        if time_out <= 0:
            raise Transient(f"{self.place.name}: no time left to send; nothing was sent")
        message = sigv4.Message(method, address.host, address.path(key) or "/", query, headers, body)
        signed = sigv4.signed(message, self.keyring.current(), region, self._clock())
        return self._web.request(
            method, address.url(key, query), headers=signed, body=body or None, time_out=time_out, connect=_CONNECT
        )

    def _judge(self, reply: Reply) -> None:
        error = answers.fate(reply, self.place.name, self.place.region, self._clock())
        if error is not None:
            raise error


def web_of(options: Options, task: str, reach: Reach) -> Web:
    """Connections as the options want them; nothing is opened yet."""
    if not options.verify:
        log.warning("certificate not verified", extra={"task": task, "url": options.bucket})
    return Web(verify=options.verify, ca_file=options.ca_file, reach=reach)
