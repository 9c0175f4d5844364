"""What a request to AWS is for IAM: `dynamodb:GetItem` on a table, `s3:GetObject` on an object.

Buckets are addressed in the path. A read of an object that is not there counts as s3:ListBucket too: without that right
the answer would be 403.
"""

import json
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.recorder import Asked, Seen

__all__ = ["bucket_calls", "names"]

_OBJECTS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_PARTS = {"x-id", "partNumber", "uploadId", "uploads"}


def names(region: str, account: str) -> Callable[[Asked], Sequence[Seen]]:
    """Of this region and account."""

    def arn(service: str, rest: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{rest}"

    def of(asked: Asked) -> Sequence[Seen]:
        service, _, operation = asked.headers.get("x-amz-target", "").partition(".")
        if not service:
            return bucket_calls(asked)
        told = json.loads(asked.body)
        if service == "DynamoDB_20120810":
            return [Seen(f"dynamodb:{operation}", arn("dynamodb", f"table/{told['TableName']}"))]
        if service == "secretsmanager":
            where = arn("secretsmanager", f"secret:{told['SecretId']}-AbCdEf")
            return [Seen(f"secretsmanager:{operation}", where)]
        raise ValueError(service)

    return of


def bucket_calls(asked: Asked) -> list[Seen]:
    """A call of S3."""
    parts = urlsplit(asked.path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = set(parse_qs(parts.query, keep_blank_values=True))
    there = Seen("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    if asked.method == "GET" and not key and "list-type" in query:
        return [there]
    if asked.method == "GET" and not key and query == {"requestPayment"}:
        return [Seen("s3:GetBucketRequestPayment", there.resource)]
    if not key or query - _PARTS:
        raise ValueError(asked.path)
    seen = Seen(f"s3:{_OBJECTS[asked.method]}", f"arn:aws:s3:::{bucket}/{key}")
    return [seen, there] if asked.status == 404 and asked.method in ("GET", "HEAD") else [seen]
