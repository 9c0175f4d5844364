"""The options of `http_server`; docs/destinations/http_server.md says what each means.

Sizes are bytes before compression. Defaults of sizes, retries and time-out are the examples of ESA's `HttpDelivery`.
Values of headers, parameters and the URL are never repeated in a message: they may hold credentials.
"""

from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from logferry import config, signing
from logferry.config import Duration, SecretRef, seconds
from logferry.destinations.http_server import names
from logferry.encoders.output import Output
from logferry.transport.addresses import proxy_problems, url_problems

__all__ = ["Auth", "Config"]

_HIDDEN = {"hidden": True}  # a mistake is told without the value
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, description="a text of 1 to 2048 characters")]
Url = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2048, description="a URL of 1 to 2048 characters", extra=_HIDDEN)
]
Value = Annotated[
    str, msgspec.Meta(max_length=4096, description="text of at most 4096 characters, or a secret", extra=_HIDDEN)
]
Pairs = Annotated[
    dict[str, Value],
    msgspec.Meta(description="a mapping of names and texts", extra_json_schema={"maxProperties": names.MOST}),
]
Compression = Literal["gzip", "zlib", "snappy", "snappy_framed", "zstd", "none", "no"]
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=64 * 1024 * 1024)]
Records = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Retries = Annotated[int, msgspec.Meta(ge=0, le=100)]
Requests = Annotated[int, msgspec.Meta(ge=1, le=64)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=31_536_000)]

_YEAR = 31_536_000.0  # seconds
_CREDENTIALS = 'write headers: {Authorization: "secret://env/NAME"}, the secret holding the whole value'


class Auth(config.Config, frozen=True, kw_only=True):
    """ESA's signature in the URL."""

    private_key: SecretRef
    expired_time: Duration | Seconds = "300s"
    path: Text | None = None

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """What no URL's path holds."""
        if name == "path" and value and names.is_unfit_path(value):
            return [f"path: {value[:60]!r} is not a path as it is sent: no host, no ? or #, no blanks, %XX for others"]
        return []

    def problems(self) -> list[str]:
        """The bounds of a duration."""
        if 1 <= self.validity <= _YEAR:
            return []
        return [f"expired_time: {self.expired_time} is not between 1s and 365d"]

    @property
    def validity(self) -> float:
        """Seconds."""
        return float(self.expired_time) if isinstance(self.expired_time, int) else seconds(self.expired_time)


class Config(config.Config, frozen=True, kw_only=True):
    """The options of docs/destinations/http_server.md."""

    url: Url
    method: Literal["POST", "PUT"] = "POST"
    compress: Compression = "none"
    headers: Pairs = msgspec.field(default_factory=dict)
    params: Pairs = msgspec.field(default_factory=dict)
    output: Output = Output()
    auth: Auth | None = None
    max_records: Records = 1_000
    max_bytes: Bytes = 5_000_000
    max_retries: Retries = 3
    timeout: Duration = "10s"
    verify: bool = True
    ca_file: Text | None = None
    proxy: Text | None = None
    in_flight: Requests = 4

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """Addresses, names and values, each by itself."""
        if name == "url":
            return url_problems(value, _CREDENTIALS) or names.problems_of_query("url", _pairs_of(value))
        if name == "proxy" and value:
            return proxy_problems(value)
        if name == "headers":
            return names.problems_of_headers(value)
        return names.problems_of_query("params", list(value.items())) if name == "params" else []

    def problems(self) -> list[str]:
        """What needs several options."""
        found = []
        if not 0 < seconds(self.timeout) <= 3600:
            found.append(f"timeout: {self.timeout} is not more than 0s and at most 1h")
        if self.ca_file and not self.verify:
            found.append("ca_file: has no use with verify: false; leave one of them out")
        in_url = {name for name, _ in _pairs_of(self.url)}
        found += [f"params.{name}: stands in the url too, expected it once" for name in self.params if name in in_url]
        if self.auth and signing.NAME in in_url | set(self.params):
            found.append(f"auth: makes the parameter {signing.NAME}, expected it neither in params nor in the url")
        return found


def _pairs_of(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
