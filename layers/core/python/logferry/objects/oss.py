"""`oss:BUCKET/PREFIX?region=…&endpoint=…`: objects in a bucket of Alibaba Cloud OSS, over its S3 protocol.

`region` such as `cn-hangzhou`; `endpoint` is by default that region's public one. The bucket stands in the host name.
The key is the one that Function Compute gives a function (`ALIBABA_CLOUD_ACCESS_KEY_ID` and its sisters, read again at
each use), else what the AWS SDK finds. Needs oss:GetObject, PutObject, DeleteObject on the prefix and ListObjects.
Specification: OSS documentation, "Compatibility with Amazon S3".
"""

import os
from collections.abc import Mapping
from functools import partial

from logferry.errors import ConfigError
from logferry.objects import s3
from logferry.objects.s3 import S3Store, place_of

__all__ = ["FORM", "OPTIONS", "open_store", "place_of"]

OPTIONS = s3.OPTIONS
FORM = "oss:BUCKET/PREFIX?region=…&endpoint=…"

_KEY = {
    "aws_access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "aws_secret_access_key": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "aws_session_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
}


def open_store(location: str, options: Mapping[str, str]) -> S3Store:
    """The store below `location` (BUCKET or BUCKET/PREFIX); nothing is sent before its first use."""
    region = options.get("region", "").removeprefix("oss-")
    if not region and not options.get("endpoint"):
        raise ConfigError(["region: is missing, expected one such as cn-hangzhou"], subject=f"oss:{location}")
    given = {"endpoint": f"https://s3.oss-{region}.aliyuncs.com", "region": region, "style": "virtual"}
    kept = {name: value for name, value in options.items() if value and name != "region"}
    return s3.made(location, given | kept, f"oss:{location}", partial(_keys, os.environ))


def _keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The function's own key, if there is a whole one."""
    found = {name: environ[source] for name, source in _KEY.items() if environ.get(source)}
    return found if {"aws_access_key_id", "aws_secret_access_key"} <= found.keys() else {}
