"""The options of `sls` as a destination; docs/destinations/sls.md says what each means. Sizes: bytes, uncompressed."""

from typing import Annotated

import msgspec

from logferry.errors import ConfigError
from logferry.sls.access import Access, Address
from logferry.sls.endpoint import Endpoint

__all__ = ["Config"]

Mark = Annotated[str, msgspec.Meta(max_length=128, description="a text of at most 128 characters")]
Tags = Annotated[dict[str, str], msgspec.Meta(max_length=20, description="a mapping of at most 20 tags")]
HashKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{32}$(?!\n)", description="32 hexadecimal digits")]
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=10 * 1024 * 1024)]
Records = Annotated[int, msgspec.Meta(ge=1, le=40_960)]
Requests = Annotated[int, msgspec.Meta(ge=1, le=64)]

_TAG_NAME, _TAG_VALUE = 128, 1024  # characters at most


class Config(Access, frozen=True, kw_only=True):
    """The options of docs/destinations/sls.md."""

    endpoint: Address | None = None
    internal: bool = False
    topic: Mark | None = None
    source: Mark | None = None
    tags: Tags = {}  # noqa: RUF012  # msgspec copies it
    hash_key: HashKey | None = None
    loop_guard: bool = True
    # The older of the published limits: 3 MB and 4,096 logs are taken in every region.
    max_bytes: Bytes = 3_000_000
    max_records: Records = 4_096
    max_log_bytes: Bytes = 1024 * 1024
    in_flight: Requests = 4

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = super().problems() + [problem for tag in self.tags.items() for problem in _tag_problems(*tag)]
        if self.endpoint is None and self.region is None:
            found.append("endpoint: is missing, a URL such as https://cn-hangzhou.log.aliyuncs.com, or a region")
        if self.auth == "v4" and self.region is None:
            found.append("region: is missing, auth v4 needs one such as cn-hangzhou")
        if self.internal and self.endpoint is not None:
            found.append("internal: has no use with endpoint; leave one of them out")
        if self.endpoint is not None and self.region is not None and not _agree(self.endpoint, self.region):
            found.append(f"region: {self.region} is not that of the endpoint; leave one of them out, or correct it")
        return found

    @property
    def address(self) -> Endpoint:
        """The endpoint, or that of the region."""
        return Endpoint.parse(self.endpoint or _of(self.region or "", internal=self.internal))


def _of(region: str, *, internal: bool = False) -> str:
    return f"https://{region}{'-intranet' if internal else ''}.log.aliyuncs.com"


def _agree(endpoint: str, region: str) -> bool:
    """Whether an endpoint of the vendor's is that region's; any other endpoint says nothing of regions."""
    try:
        return Endpoint.parse(endpoint).region in ("", region)
    except ConfigError:
        return True  # told by itself


def _tag_problems(name: str, value: str) -> list[str]:
    found = []
    if not 1 <= len(name) <= _TAG_NAME:
        found.append(f"tags: a name of {len(name)} characters, expected 1 to {_TAG_NAME}")
    if name.startswith("__"):
        found.append(f"tags.{name[:60]}: begins with __, which the log service and logferry keep for themselves")
    if len(value) > _TAG_VALUE:
        found.append(f"tags.{name[:60]}: {len(value)} characters, expected at most {_TAG_VALUE}")
    return found
