"""Any service that speaks S3's protocol, OSS of another account among them: each payload one object, repeats overwrite.

Confirmed by the answer. Specification: Amazon S3 API Reference, "PutObject"; the ways in which services differ are
options.
"""

from logferry.buckets import options
from logferry.buckets.bucket import Bucket, Place, web_of
from logferry.buckets.depot import Depot
from logferry.buckets.endpoint import Address, Addressing, parse, region_of
from logferry.buckets.keyring import References
from logferry.buckets.options import Region, Text
from logferry.config import SecretRef
from logferry.destinations import Destination, Surroundings
from logferry.encoders import Encoder
from logferry.encoders import output as written
from logferry.errors import ConfigError

__all__ = ["Config", "build", "encoder"]

PLACE = ("bucket", "path", "region", "endpoint")

_REGION = "us-east-1"  # what services without regions expect to be signed


class Config(options.Options, frozen=True, kw_only=True):
    """The options of docs/destinations/s3_compatible.md."""

    endpoint: Text
    access_key_id: SecretRef
    secret_access_key: SecretRef
    region: Region | None = None
    addressing: Addressing = "virtual"

    def problems(self) -> list[str]:
        """What needs several options."""
        found = super().problems()
        try:
            place = address(self)
        except ConfigError as error:
            return found + error.problems
        told = region_of(place.endpoint)
        if told and self.region and told != self.region:
            found.append(f"region: {self.region} is not that of the endpoint, expected {told} or nothing")
        return found


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Lines, rows or a template."""
    return written.build(options.output)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The bucket; nothing is opened yet."""
    place = address(options)
    region = options.region or region_of(place.endpoint) or _REGION
    keyring = References(surroundings.vault, options.access_key_id, options.secret_access_key, options.session_token)
    web = web_of(options, surroundings.task, surroundings.reach)
    return Depot(surroundings.task, options, Bucket(Place(place, region), keyring, web, surroundings.clock))


def address(options: Config) -> Address:
    """Where the bucket is."""
    return Address(parse(options.endpoint), options.bucket, options.addressing).checked()
