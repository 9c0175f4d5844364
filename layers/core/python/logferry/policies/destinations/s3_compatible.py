"""A bucket of another service; where that is OSS (of another account), its RAM policy."""

from logferry.buckets.endpoint import region_of
from logferry.destinations.s3_compatible import Config, address
from logferry.policies import Grant, Whom
from logferry.policies.destinations import oss
from logferry.task import Task

__all__ = ["grants"]


def grants(task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the owner of the access key."""
    region = region_of(address(options).endpoint)
    if region:
        return [oss.writing(task, options, region, whom)]
    where = f"the access key must be allowed to put objects into {options.bucket}, in the service's own way"
    return [Grant("s3_compatible", where)]
