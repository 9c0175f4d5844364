"""What a function of the component fc3 reaches and mounts, as types: networks, file systems, buckets, name servers.

Source: github.com/devsapp/fc3, src/schema.json.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from logferry.config import Config

__all__ = ["Camel", "Dns", "Id", "NasConfig", "OssMount", "VpcBinding", "VpcConfig"]

Id = Annotated[str, Meta(min_length=1, description="an id")]


class Camel(Config, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Keys as fc3 spells them."""


class VpcConfig(Camel, frozen=True, kw_only=True):
    """The network into which the function reaches."""

    vpc_id: Id
    v_switch_ids: Literal["auto"] | Annotated[list[Id], Meta(min_length=1)]
    security_group_id: Id


class VpcBinding(Camel, frozen=True, kw_only=True):
    """The networks from which alone the function may be called."""

    vpc_ids: list[Id]


class NasPoint(Camel, frozen=True, kw_only=True):
    """One mounted file system."""

    server_addr: Id
    mount_dir: Id
    enable_tls: bool = msgspec.field(default=False, name="enableTLS")


class NasConfig(Camel, frozen=True, kw_only=True):
    """Mounted file systems."""

    user_id: int
    group_id: int
    mount_points: list[NasPoint]


class OssPoint(Camel, frozen=True, kw_only=True):
    """One mounted bucket."""

    bucket_name: Id
    endpoint: Id
    mount_dir: Id
    bucket_path: str = "/"
    read_only: bool = False


class OssMount(Camel, frozen=True, kw_only=True):
    """Mounted buckets."""

    mount_points: list[OssPoint]


class DnsOption(Camel, frozen=True, kw_only=True):
    """One option of the resolver."""

    name: str
    value: str


class Dns(Camel, frozen=True, kw_only=True):
    """Name servers of the function's own."""

    name_servers: list[str] = msgspec.field(default_factory=list)
    searches: list[str] = msgspec.field(default_factory=list)
    dns_options: list[DnsOption] = msgspec.field(default_factory=list)
