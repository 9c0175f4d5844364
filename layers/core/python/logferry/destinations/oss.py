"""Alibaba Cloud OSS, a bucket of one's own account: each payload one object, named so that a repeat writes it over.

Confirmed by the answer. Spoken is S3's protocol, at `s3.oss-{region}.aliyuncs.com`, with the bucket in the host name.
Specification: Alibaba Cloud OSS, "Compatibility with Amazon S3".
"""

from typing import Any

from logferry.buckets import options
from logferry.buckets.bucket import Bucket, Place, web_of
from logferry.buckets.depot import Depot
from logferry.buckets.endpoint import Address, Addressing, Endpoint, is_oss, parse, region_of
from logferry.buckets.keyring import ALIBABA_NAMES, Environ, chosen
from logferry.buckets.options import Region, Text
from logferry.destinations import Destination, Surroundings
from logferry.encoders import Encoder
from logferry.encoders import output as written
from logferry.errors import ConfigError

__all__ = ["Config", "build", "encoder"]

PLACE = ("bucket", "path", "region", "endpoint")


class Config(options.Options, frozen=True, kw_only=True):
    """The options of docs/destinations/oss.md."""

    region: Region
    internal: bool = False
    endpoint: Text | None = None

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A region written as the endpoint has it, a bucket that cannot be."""
        if name == "region" and value.startswith("oss-"):
            return [f"region: {value!r} begins with oss-, expected {value.removeprefix('oss-')}"]
        found = super().field_problems(name, value)
        if name == "bucket" and not found and "." in value:
            return [f"bucket: {value!r} has a dot, which no OSS bucket has"]
        return found

    def problems(self) -> list[str]:
        """What needs several options."""
        found = super().problems()
        try:
            place = address(self)
        except ConfigError as error:
            return found + error.problems
        region = region_of(place.endpoint)
        if region and region != self.region:
            found.append(f"region: {self.region} is not that of the endpoint, expected {region}")
        if self.endpoint and self.internal:
            found.append("internal: has no use with endpoint; leave one of them out")
        return found


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Lines, rows or a template."""
    return written.build(options.output)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The bucket; nothing is opened yet."""
    given = (options.access_key_id, options.secret_access_key, options.session_token)
    keyring = chosen(surroundings.vault, given, Environ(surroundings.vault, ALIBABA_NAMES))
    reach = surroundings.reach.of_vendor() if is_oss(address(options).endpoint) else surroundings.reach
    web = web_of(options, surroundings.task, reach)
    bucket = Bucket(Place(address(options), options.region), keyring, web, surroundings.clock)
    return Depot(surroundings.task, options, bucket)


def is_own_account(options: Config) -> bool:
    """Whether only the function's own key and OSS itself are named: then no ownership is to be proved."""
    return options.access_key_id is None and is_oss(address(options).endpoint)


def address(options: Config) -> Address:
    """Where the bucket is; an endpoint that is a number (a test server) takes the bucket in the path."""
    inner = "-internal" if options.internal else ""
    usual = Endpoint("https", f"s3.oss-{options.region}{inner}.aliyuncs.com")
    endpoint = parse(options.endpoint) if options.endpoint else usual
    addressing: Addressing = "path" if endpoint.is_address else "virtual"
    return Address(endpoint, options.bucket, addressing).checked()
