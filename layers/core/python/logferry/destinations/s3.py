"""Amazon S3: each payload one object, named by where its records come from, so that a repeat writes it over.

Confirmed by the answer. Specification: Amazon S3 API Reference, "PutObject", "GetBucketRequestPayment".
"""

from logferry.buckets import options
from logferry.buckets.bucket import Bucket, Place, web_of
from logferry.buckets.depot import Depot, Rules
from logferry.buckets.endpoint import Address, Addressing, Endpoint, parse
from logferry.buckets.keyring import AWS_NAMES, Environ, SdkChain, chosen
from logferry.buckets.options import Region, Text
from logferry.destinations import Destination, Surroundings
from logferry.encoders import Encoder
from logferry.encoders import output as written
from logferry.errors import ConfigError

__all__ = ["Config", "build", "encoder"]

PLACE = ("bucket", "path", "region", "endpoint")


class Config(options.Options, frozen=True, kw_only=True):
    """The options of docs/destinations/s3.md."""

    region: Region
    endpoint: Text | None = None
    addressing: Addressing | None = None

    def problems(self) -> list[str]:
        """What needs several options."""
        found = super().problems()
        try:
            address(self)
        except ConfigError as error:
            found += error.problems
        return found


def encoder(options: Config, _surroundings: Surroundings) -> Encoder:
    """Lines, rows or a template."""
    return written.build(options.output)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The bucket; nothing is opened yet."""
    given = (options.access_key_id, options.secret_access_key, options.session_token)
    keyring = chosen(surroundings.vault, given, Environ(surroundings.vault, AWS_NAMES, SdkChain()))
    reach = surroundings.reach if options.endpoint else surroundings.reach.of_vendor()
    web = web_of(options, surroundings.task, reach)
    bucket = Bucket(Place(address(options), options.region), keyring, web, surroundings.clock)
    rules = Rules(look={"requestPayment": ""}, checksum=True)
    return Depot(surroundings.task, options, bucket, rules)


def address(options: Config) -> Address:
    """Where the bucket is. One with a dot in its name has no certificate under its own, so it is put into the path."""
    if options.endpoint:
        endpoint = parse(options.endpoint)
    else:
        china = ".cn" if options.region.startswith("cn-") else ""
        endpoint = Endpoint("https", f"s3.{options.region}.amazonaws.com{china}")
    usual: Addressing = "path" if "." in options.bucket or endpoint.is_address else "virtual"
    return Address(endpoint, options.bucket, options.addressing or usual).checked()
