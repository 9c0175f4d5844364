"""oss in the matrix: its receiver a service that verifies signatures."""

from faults.adapters import Address, Way
from faults.buckets import ENVIRON, identity, sink, way
from faults.buckets import options as common

__all__ = ["ENVIRON", "WAYS", "identity", "options", "sink"]

WAYS = (way("oss"),)


def options(way: Way, address: Address) -> dict[str, object]:  # noqa: ARG001  # there is one way
    """What the three share, and its own."""
    return common(address, region="cn-hangzhou")
