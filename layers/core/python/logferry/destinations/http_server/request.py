"""One request as it goes out: URL with parameters and signature, headers, and the secrets that stand in them.

The path is signed exactly as it is sent: letters beyond ASCII are percent-encoded first, then it is hashed.
"""

import secrets
import zlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote, urlencode

from logferry import signing
from logferry.destinations.http_server import names
from logferry.destinations.http_server.options import Config
from logferry.encoders.output import Output
from logferry.errors import Misconfigured
from logferry.model import Payload
from logferry.transport.compress import CODINGS, Kind
from logferry.transport.target import sent_form
from logferry.vault import Secret, Vault

__all__ = ["Asked", "Letterhead", "batch_name", "content_type"]


class Asked(NamedTuple):
    """Where to, with which headers; `hidden` is what no message may repeat."""

    url: str
    headers: Mapping[str, str]
    hidden: tuple[Secret, ...]


class Letterhead:
    """What all requests of a task have in common. Any number of threads at once."""

    def __init__(
        self, options: Config, vault: Vault, clock: Callable[[], float],
        chance: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:  # fmt: skip
        self._options, self._vault, self._clock, self._chance = options, vault, clock, chance
        self.kind: Kind = "none" if options.compress == "no" else options.compress
        self._fixed = {"Content-Type": content_type(options.output)}
        if self.kind != "none":
            self._fixed["Content-Encoding"] = CODINGS[self.kind]

    @property
    def references(self) -> list[str]:
        """Every secret that the options name."""
        options = self._options
        given = [*options.headers.values(), *options.params.values(), options.proxy or ""]
        given += [options.auth.private_key] if options.auth else []
        return [value for value in given if names.is_reference(value)]

    def asked(self, more: Mapping[str, str], *, with_body: bool = True) -> Asked:
        """A request, signed now. Misconfigured if a secret is missing or cannot be sent."""
        hidden: list[Secret] = []
        headers = {**(self._fixed if with_body else {}), **self._headers(hidden), **more}
        params = {name: self._plain(value, hidden) for name, value in self._options.params.items()}
        url = self._url
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, quote_via=quote, safe="")
        auth = self._options.auth
        if auth is not None:
            key = signing.private_key(auth.private_key, self._vault)
            path = "/" + auth.path.removeprefix("/") if auth.path else None
            url = signing.signed(url, key, now=self._clock(), expires=auth.validity, rand=self._chance(), path=path)
            hidden += [key, Secret(url.rpartition(f"{signing.NAME}=")[2])]
        return Asked(url, headers, tuple(hidden))

    def _headers(self, hidden: list[Secret]) -> dict[str, str]:
        """Those of the options; one that we set too (Content-Type) is theirs, in whatever case."""
        found = {}
        for name, value in self._options.headers.items():
            plain = self._plain(value, hidden)
            if names.unsendable(plain):
                raise Misconfigured(f"{value}: holds a line break, blanks at its ends or other than ASCII (not shown)")
            found["Content-Type" if name.lower() == "content-type" else name] = plain
        return found

    def _plain(self, value: str, hidden: list[Secret]) -> str:
        if not names.is_reference(value):
            return value
        secret = self._vault.resolve(value)
        hidden += [secret, Secret(quote(secret.reveal(), safe=""))]
        return secret.reveal()

    @cached_property
    def _url(self) -> str:
        """The URL as it is sent, so that what is signed is what arrives."""
        try:
            return sent_form(self._options.url)
        except ValueError:
            raise Misconfigured("url: holds characters that no URL has (not shown)") from None


def batch_name(task: str, payload: Payload) -> str:
    """The same on each attempt, and of no other body: `task/stream/begin/first-last/crc32`, each percent-encoded.

    Last too, for what was refused as too large goes again in halves; the CRC, for the task may be another one by the
    time that its records are sent again (a backfill): a receiver that drops repeats must not drop those.
    """
    origin = payload.origin
    records, check = f"{payload.ordinals[0]}-{payload.ordinals[-1]}", f"{zlib.crc32(payload.body):08x}"
    return "/".join(quote(part, safe="") for part in (task, origin.stream, origin.begin, records, check))


def content_type(output: Output) -> str:
    """By the form of the body."""
    if output.format == "csv":
        return "text/csv; charset=utf-8"
    if output.format == "template":
        return "text/plain; charset=utf-8"
    if output.prefix.lstrip().startswith(("[", "{")):
        return "application/json"
    is_lines = output.separator == "\n" and not output.prefix and not output.suffix
    return "application/x-ndjson" if is_lines else "text/plain; charset=utf-8"
