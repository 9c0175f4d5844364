"""The destination: each payload one object, named by its origin and body, so that a repeat writes it over.

Also where an ownership token is placed and read: in the task's path, above the folders of the dates.
"""

import base64
import hashlib
import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from logferry.buckets.bucket import Bucket
from logferry.buckets.naming import Naming
from logferry.buckets.options import Options
from logferry.buckets.packed import form_of
from logferry.config import seconds
from logferry.errors import ConfigError, Misconfigured
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.web import Reply

__all__ = ["Depot", "Rules"]

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Rules(NamedTuple):
    """How one kind of bucket differs."""

    look: Mapping[str, str] = {"list-type": "2", "max-keys": "1"}  # the question that `check` asks
    checksum: bool = False  # send a checksum that the service keeps (buckets with object lock demand one)


class Depot:
    """Reached by any number of threads."""

    confirmation: Confirmation = "answer"

    def __init__(self, task: str, options: Options, bucket: Bucket, rules: Rules = Rules()) -> None:  # noqa: B008  # a constant
        self.limits = Limits(max_bytes=options.max_bytes, max_records=options.max_records, in_flight=options.in_flight)
        self._form = form_of(options.output, options.compress)
        self._naming = Naming(task, options.path, options.date_path, self._form.extension)
        self._bucket, self._rules = bucket, rules
        self._headers = options.headers()
        self._longest = seconds(options.timeout)

    def check(self, time_out: float) -> None:
        """Ask the bucket for what needs no object. A key that may only write is enough.

        A key that is refused is read again at once: nobody else does that for a task that is held.
        """
        self._form.pack(b"")
        until = time.monotonic() + min(time_out, self._longest)
        try:
            reply = self._look(until)
        except Misconfigured:
            if not self.refresh():
                raise
            reply = self._look(until)
        if reply is not None and b"<Payer>Requester</Payer>" in reply.body:
            raise Misconfigured(
                f"{self._bucket.place.name}: Requester Pays is on, and whoever delivers would pay for what others "
                "read: switch it off, or deliver into another bucket"
            )

    def send(self, payload: Payload, time_out: float) -> None:
        """One object. Of no records, none."""
        if not payload.parts:
            return
        until = time.monotonic() + min(time_out, self._longest)
        key = self._naming.key(payload.origin, payload.ordinals[0], payload.body)
        self._put(key, self._form.pack(payload.body), self._form.content_type, until)

    def confirm(self, time_out: float) -> None:
        """Nothing to do: the answer to each put confirmed it."""

    def refresh(self) -> bool:
        """Read the access key again; whether it changed."""
        return self._bucket.keyring.renew()

    def close(self) -> None:
        """Close the kept connections."""
        self._bucket.close()

    def place_token(self, name: str, text: str, time_out: float) -> str:
        """Write a small text file into the task's path; its whole key, as a person finds it in the bucket."""
        if not _FILE.fullmatch(name):
            raise ConfigError([f"token file: {name[:60]!r} is not a name of letters, digits, dots and dashes"])
        key = "/".join(part for part in (self._naming.folder, name) if part)
        self._put(key, text.encode(), "text/plain; charset=utf-8", time.monotonic() + time_out)
        return key

    def read_token(self, key: str, time_out: float) -> str:
        """The text of a file that `place_token` wrote. Misconfigured if it is not there."""
        return self._bucket.get(key, time_out).decode(errors="replace")

    def _look(self, until: float) -> Reply | None:
        return self._bucket.look(self._rules.look, until - time.monotonic())

    def _put(self, key: str, body: bytes, content_type: str, until: float) -> None:
        headers = {**self._headers, "Content-Type": content_type}
        if self._rules.checksum:
            headers["x-amz-checksum-sha256"] = _checksum(body)
        self._bucket.put(key, body, headers, until - time.monotonic())


def _checksum(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()
