"""The options that `s3`, `oss` and `s3_compatible` share; docs/destinations/s3.md says what each means.

Sizes are bytes before compression.
"""

import re
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.buckets import naming
from logferry.buckets.packed import Compression
from logferry.config import Duration, SecretRef, seconds
from logferry.encoders.output import Output

__all__ = ["Encryption", "Options", "Region", "Text"]

Encryption = Literal["none", "sse_s3", "sse_kms"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="a text of 1 to 1024 characters")]
Path = Annotated[str, msgspec.Meta(max_length=1024, description="a path of at most 1024 characters")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,40}$(?!\n)", description="a name such as STANDARD_IA")]
Region = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+){0,5}$(?!\n)", description="a region such as eu-west-1")
]
# 64 MiB: an object is held in memory, with its parts beside it, `in_flight` times.
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=64 * 1024 * 1024)]
Records = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Requests = Annotated[int, msgspec.Meta(ge=1, le=64)]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET_FORM = "expected 3 to 63 of a-z, 0-9, . and -, with a letter or digit at both ends"


class Options(config.Config, frozen=True, kw_only=True):
    """What every bucket needs."""

    bucket: Text
    path: Path = ""
    date_path: Path = "{yyyy}/{MM}/{dd}"
    output: Output = Output()
    compress: Compression = "gzip"
    access_key_id: SecretRef | None = None
    secret_access_key: SecretRef | None = None
    session_token: SecretRef | None = None
    encryption: Encryption = "none"
    kms_key_id: Text | None = None
    storage_class: Word | None = None
    verify: bool = True
    ca_file: Text | None = None
    timeout: Duration = "120s"
    max_bytes: Bytes = 4_000_000
    max_records: Records = 50_000
    in_flight: Requests = 4

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """Names that are none."""
        if name == "bucket":
            return _bucket_problems(value)
        found = naming.mistake(value, naming.DATE_NAMES) if name == "date_path" else None
        return [f"{name}: {value[:60]!r} {found}"] if found else []

    def problems(self) -> list[str]:
        """What needs several options."""
        found = []
        wrong = naming.mistake(self.path, naming.PATH_NAMES, self.date_path)
        if wrong:
            is_date = any(f"{{{name}}}" in self.path for name in naming.DATE_NAMES if name != "task")
            found.append(f"path: {self.path[:60]!r} {wrong}" + "; write the date into date_path" * is_date)
        if seconds(self.timeout) <= 0:
            found.append(f"timeout: {self.timeout} is not more than 0s")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            found.append("access_key_id: goes with secret_access_key, expected both or none")
        if self.session_token and not self.access_key_id:
            found.append("session_token: goes with access_key_id and secret_access_key, expected all three")
        if self.kms_key_id and self.encryption != "sse_kms":
            found.append("kms_key_id: has no use without encryption: sse_kms")
        if self.kms_key_id and not (self.kms_key_id.isascii() and self.kms_key_id.isprintable()):
            found.append("kms_key_id: holds characters that no key id, alias or ARN has")
        if self.ca_file and not self.verify:
            found.append("ca_file: has no use with verify: false; leave one of them out")
        return found

    def headers(self) -> dict[str, str]:
        """What each object's request says of how it is kept."""
        prefix = "x-amz-server-side-encryption"
        found = {"sse_s3": {prefix: "AES256"}, "sse_kms": {prefix: "aws:kms"}}.get(self.encryption, {})
        if self.kms_key_id:
            found[f"{prefix}-aws-kms-key-id"] = self.kms_key_id
        if self.storage_class:
            found["x-amz-storage-class"] = self.storage_class
        return found


def _bucket_problems(bucket: str) -> list[str]:
    name, slash, path = bucket.strip("/").partition("/")
    if slash and _BUCKET.fullmatch(name):
        return [f"bucket: {bucket[:60]!r} holds a path too: write bucket: {name} and path: {path[:60]}"]
    shape = _BUCKET.fullmatch(bucket)
    if not shape or ".." in bucket or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", bucket):
        return [f"bucket: {bucket[:60]!r} is no bucket's name, {_BUCKET_FORM}"]
    return []
