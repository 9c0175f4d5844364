"""What an answer of S3's protocol means: by its code, which is in the body's XML, else by its status.

| answer | fate |
|---|---|
| 2xx; to a put only with an `ETag` | taken |
| `EntityTooLarge`, `MaxMessageLengthExceeded`, 413 | TooLarge |
| told to slow down, damaged on the way, 307, 408, 425, 429, 5xx | Transient |
| everything else | Misconfigured: no content is refused by a bucket, so it is the address, the key or the rights |

A message holds status and code, never the answer's text: that can quote the signed request.
Specification: Amazon S3 "Error responses".
"""

import re
from collections.abc import Mapping

from logferry.errors import DeliveryError, Misconfigured, TooLarge, Transient
from logferry.transport.answers import retry_after
from logferry.transport.web import Reply

__all__ = ["code_of", "fate", "region_told", "said"]

_TOO_LARGE = frozenset(("EntityTooLarge", "MaxMessageLengthExceeded"))
_UNTAKEN = frozenset(  # and so again; none of these stored anything
    (
        *("SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "Busy"),
        *("RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest"),
        *("TemporaryRedirect", "KMS.ThrottlingException", "DownloadTrafficRateLimitExceeded", "QpsLimitExceeded"),
        *("UploadTrafficRateLimitExceeded", "TotalQpsLimitExceeded"),
    )
)
_DOUBTFUL = frozenset(("OperationAborted", "ConditionalRequestConflict", "InternalError"))
_RIGHTS = (
    "grant s3:PutObject on the path to this key; a bucket policy that demands encryption wants `encryption`, and a "
    "bucket with Requester Pays on takes nothing from here"
)
_ADVICE: Mapping[str, str] = {
    "AccessDenied": _RIGHTS,
    "AccountProblem": "the account is not in order: look at its bills",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set region",
    "ExpiredToken": "renew the credentials",
    "IllegalLocationConstraintException": "the bucket is in another region: set region",
    "InvalidAccessKeyId": "this access key id is not known there",
    "InvalidSecurity": "check the credentials",
    "InvalidToken": "renew the credentials",
    "MethodNotAllowed": "this address is no bucket: check endpoint and addressing",
    "NoSuchBucket": "make the bucket or correct its name",
    "NoSuchKey": "there is no such object",
    "PermanentRedirect": "the bucket is in another region: set region",
    "RequestTimeTooSkewed": "set this machine's clock",
    "SecondLevelDomainForbidden": "this service wants the bucket in the host name: addressing: virtual",
    "SignatureDoesNotMatch": "the secret access key is another one's, or something rewrites requests",
    "TokenRefreshRequired": "renew the credentials",
    "UserDisable": "the account is not in order: look at its bills",
}
_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9_.:-]{1,80})\s*</Code>")
_REGION = re.compile(rb"<Region>\s*([a-z0-9-]{1,40})\s*</Region>")
_ENDPOINT = re.compile(
    rb"<Endpoint>[a-z0-9.-]*?(?:\bs3[.-]([a-z0-9-]+)\.amazonaws|\boss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs)\.com"
)
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_READ = 8_192  # bytes of a body that are looked at
_LATER = frozenset((307, 408, 425, 429))
_UNTAKEN_STATUS = frozenset((307, 425, 429, 503))


def code_of(reply: Reply) -> str:
    """The error code, empty if there is none."""
    found = _CODE.search(reply.body[:_READ])
    return found[1].decode() if found else ""


def region_told(reply: Reply) -> str:
    """The region that an answer names as the right one; empty if it names none."""
    named = reply.headers.get("x-amz-bucket-region", "")
    if _NAME.fullmatch(named):
        return named
    found = _REGION.search(reply.body[:_READ]) or _ENDPOINT.search(reply.body[:_READ])
    return next(filter(None, found.groups())).decode() if found else ""


def said(reply: Reply, subject: str) -> str:
    """The answer in words that hold nothing of the request."""
    return f"{subject}: HTTP {reply.status} {code_of(reply)}".rstrip()


def fate(reply: Reply, subject: str, region: str, now: float) -> DeliveryError | None:
    """The error that an answer stands for, None for 2xx. `region` is the one that was signed for, `now` Unix time."""
    if 200 <= reply.status < 300:
        return None
    code, text = code_of(reply), said(reply, subject)
    if code in _TOO_LARGE or reply.status == 413:
        return TooLarge(text)
    if code in _UNTAKEN or code in _DOUBTFUL or reply.status in _LATER or reply.status >= 500:
        in_doubt = code not in _UNTAKEN and reply.status not in _UNTAKEN_STATUS
        return Transient(text, retry_after=retry_after(reply, now), in_doubt=in_doubt)
    right = region_told(reply)
    if right and right != region and reply.status in (301, 400, 403):
        return Misconfigured(f"{text}: the bucket is in region {right}, the task says {region}: write region: {right}")
    advice = _ADVICE.get(code) or (_ADVICE["AccessDenied"] if reply.status == 403 else "")
    if code.startswith("KMS."):
        advice = "look at kms_key_id, and whether this key may use it (kms:GenerateDataKey)"
    return Misconfigured(f"{text}: {advice or 'check endpoint, region, bucket and credentials'}")
