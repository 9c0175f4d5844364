"""The options of `splunk_hec`; docs/destinations/splunk_hec.md says what each means.

Sizes are bytes before compression. URLs are never repeated in a message: they may hold credentials.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from logferry import config
from logferry.config import Duration, SecretRef, seconds
from logferry.transport.addresses import proxy_problems, url_problems

__all__ = ["Config"]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="a text of 1 to 1024 characters")]
Urls = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=16, description="a list of 1 to 16 URLs")]
# 2 MiB: Splunk Cloud answers bodies over about 5 MiB with "code 6, object 0" instead of 413.
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=2 * 1024 * 1024)]
Records = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Requests = Annotated[int, msgspec.Meta(ge=1, le=64)]

_CREDENTIALS = 'the token goes into token: "secret://env/NAME"'
_QUERY = "a token in a URL ends in access logs"
_OF_EVENTS = ("host_field", "event_format")
_POLLS = (0.02, 60.0)  # seconds: shorter is an attack, longer fills the window with what is long acknowledged


class Config(config.Config, frozen=True, kw_only=True):
    """The options of docs/destinations/splunk_hec.md."""

    url: Text | Urls
    token: SecretRef
    index: Text | None = None
    source: Text | None = None
    sourcetype: Text | None = None
    host: Text | None = None
    host_field: Text | None = None
    endpoint: Literal["event", "raw"] = "event"
    event_format: Literal["object", "string"] = "object"
    raw_field: Text | None = None
    ack: bool = False
    ack_timeout: Duration = "180s"
    ack_interval: Duration = "1s"
    gzip: bool = True
    timeout: Duration = "120s"
    verify: bool = True
    ca_file: Text | None = None
    proxy: Text | None = None
    max_bytes: Bytes = 1_000_000
    max_records: Records = 5_000
    in_flight: Requests | None = None

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """The form of addresses."""
        if name == "url":
            return [problem for url in _listed(value) for problem in url_problems(url, _CREDENTIALS, _QUERY)]
        return proxy_problems(value) if name == "proxy" and value else []

    def problems(self) -> list[str]:
        """What the types cannot say."""
        found = [
            f"{name}: {getattr(self, name)} is not more than 0s"
            for name in ("timeout", "ack_timeout")
            if seconds(getattr(self, name)) <= 0
        ]
        if not _POLLS[0] <= seconds(self.ack_interval) <= _POLLS[1]:
            found.append(f"ack_interval: {self.ack_interval} is not between 20ms and 60s")
        if self.ca_file and not self.verify:
            found.append("ca_file: has no use with verify: false; leave one of them out")
        if len(set(self.urls)) < len(self.urls):
            found.append("url: one is listed twice, expected each once")
        return found + (self._problems_of_raw() if self.endpoint == "raw" else self._problems_of_events())

    @property
    def urls(self) -> list[str]:
        """Every endpoint, without a slash at its end."""
        return [url.rstrip("/") for url in _listed(self.url)]

    def _problems_of_raw(self) -> list[str]:
        defaults = {field.name: field.default for field in msgspec.structs.fields(self)}
        found = [
            f"{name}: has no use with endpoint: raw; leave it out"
            for name in _OF_EVENTS
            if getattr(self, name) != defaults[name]
        ]
        if any(urlsplit(url).path.endswith(("/event", "/event/1.0")) for url in self.urls):
            found.append("url: ends in /event, expected no path or one that ends in /raw, for endpoint: raw")
        return found

    def _problems_of_events(self) -> list[str]:
        found = ["raw_field: has no use without endpoint: raw; leave it out"] if self.raw_field else []
        if any(urlsplit(url).path.endswith(("/raw", "/raw/1.0")) for url in self.urls):
            found.append("url: the raw endpoint takes no envelopes, expected endpoint: raw, or a path without /raw")
        return found


def _listed(url: str | list[str]) -> list[str]:
    return [url] if isinstance(url, str) else url
