"""`s3:BUCKET/PREFIX?region=…&endpoint=…&style=…`: objects in a bucket of S3 or a service that speaks its protocol.

`endpoint` is the other service's URL. `style` is how the bucket is addressed there: `path` (the default with an
endpoint) or `virtual` (the default on AWS, and needed by Alibaba Cloud OSS: a bucket in the host name). One put is one
PutObject, which is all or nothing. A call takes at most 3 attempts of 3 s to connect and 30 s of silence.
Credentials come the SDK's way. Needs s3:GetObject, PutObject, DeleteObject on the prefix and ListBucket.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from logferry import aws_client
from logferry.aws_client import AwsClient, Keys
from logferry.errors import ConfigError
from logferry.objects._keys import check_body, check_key, check_prefix

__all__ = ["FORM", "OPTIONS", "S3Store", "made", "open_store", "place_of"]

OPTIONS = (*aws_client.OPTIONS, "style")
FORM = "s3:BUCKET/PREFIX?region=…&endpoint=…&style=…"

_TIMES = {"connect_timeout": 3, "read_timeout": 30, "max_pool_connections": 32}
_LONGEST_KEY = 1024  # bytes: S3's own limit
_STYLES = ("path", "virtual")


class S3Content:
    """An answer whose body is being read."""

    def __init__(self, aws: AwsClient, reply: Mapping[str, Any]) -> None:
        self._aws, self._body = aws, reply["Body"]
        self.etag = str(reply["ETag"]).strip('"').lower()
        # With a range: `bytes 5-9/10`.
        self.size = int(str(reply.get("ContentRange") or reply["ContentLength"]).rpartition("/")[2])

    def read(self, most: int) -> bytes:
        """The next bytes; the SDK checks that as many came as were promised."""
        with self._aws.use():
            return bytes(self._body.read(most))

    def close(self) -> None:
        """Let go of the connection; one that was not read to its end is not used again."""
        self._body.close()


class S3Store:
    """Objects below a prefix of one bucket."""

    def __init__(self, bucket: str, prefix: str, aws: AwsClient) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._aws = aws

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite."""
        check_key(key)
        check_body(key, len(body))
        with self._aws.use() as client:
            client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=body)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None if there is none."""
        check_key(key)
        with self._aws.use() as client:
            try:
                reply = client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except client.exceptions.NoSuchKey:
                return None
            with closing(reply["Body"]) as body:
                check_body(key, reply["ContentLength"])
                return bytes(body.read())

    def stream(self, key: str, begin: int = 0) -> S3Content | None:
        """The object's bytes from `begin` on."""
        if not 1 <= len(key.encode(errors="replace")) <= _LONGEST_KEY:
            raise ConfigError([f"{key[:80]!r} is not 1 to {_LONGEST_KEY} bytes long"], subject="object key")
        range_ = {"Range": f"bytes={begin}-"} if begin else {}
        with self._aws.use() as client:
            try:
                reply = client.get_object(Bucket=self._bucket, Key=self._prefix + key, **range_)
            except client.exceptions.NoSuchKey:
                return None
        return S3Content(self._aws, reply)

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix`, 1,000 a call, in the order the service keeps them: sorted."""
        check_prefix(prefix)
        return self._pages(prefix)

    def delete(self, key: str) -> None:
        """Delete; S3 does not say whether it was there."""
        check_key(key)
        with self._aws.use() as client:
            client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _pages(self, prefix: str) -> Iterator[str]:
        query: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix + prefix}
        while True:
            with self._aws.use() as client:
                reply = client.list_objects_v2(**query)
            yield from (entry["Key"][len(self._prefix) :] for entry in reply.get("Contents", ()))
            if not reply.get("IsTruncated"):
                return
            query["ContinuationToken"] = reply["NextContinuationToken"]


def open_store(location: str, options: Mapping[str, str]) -> S3Store:
    """The store below `location` (BUCKET or BUCKET/PREFIX); nothing is sent before its first use."""
    return made(location, options, f"s3:{location}")


def made(location: str, options: Mapping[str, str], subject: str, keys: Keys | None = None) -> S3Store:
    """The same for any service that speaks the protocol; `keys` in place of the SDK's search."""
    bucket, _, prefix = location.partition("/")
    style = options.get("style") or ("path" if options.get("endpoint") else "virtual")
    if style not in _STYLES:
        raise ConfigError([f"style: {style!r} is not {' or '.join(_STYLES)}"], subject="objects")
    if prefix.strip("/"):
        check_key(prefix.strip("/"))
    settings: dict[str, Any] = _TIMES | {"s3": {"addressing_style": style}}
    if options.get("endpoint"):
        # Other services refuse the checksum trailers that the SDK adds of its own accord since 2025.
        settings |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    aws = AwsClient("s3", options, subject=subject, settings=settings, keys=keys)
    return S3Store(bucket, prefix.strip("/"), aws)


def place_of(location: str) -> tuple[str, str]:
    """Bucket, and prefix with its slash."""
    bucket, _, prefix = location.partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
