"""Checks of a request's frame and signature, in the order in which the service refuses.

Version and signature method first, then the key, the clock (15 minutes either way), the body's hash, the signature.
Hashes and signatures are compared in constant time. An STS token is covered by the signature; its value is not judged.
"""

import hmac
from collections.abc import Mapping

from logferry.sls.signing import API_VERSION, Claim, Message, body_hash, moment, parse, sign
from logferry.vault import Secret
from logferry_local.sls_server.refusals import Refusal

__all__ = ["CLOCK_SKEW", "verify"]

CLOCK_SKEW = 15 * 60.0
_HASHES = {"v1": ("Content-MD5", "ContentMD5"), "v4": ("x-log-content-sha256", "ContentSHA256")}  # header, code


def verify(message: Message, body: bytes, keys: Mapping[str, Secret], now: float) -> None:
    """Refusal unless the message was signed with one of the keys, just now, over this body."""
    _check_version(message)
    claim = _claim(message)
    secret = keys.get(claim.access_key_id)
    if secret is None:
        raise Refusal(401, "Unauthorized", f"AccessKeyId not found: {claim.access_key_id[:64]}")
    _check_clock(message, claim, now)
    _check_body(message, claim, body)
    if not hmac.compare_digest(sign(message, claim, secret), claim.signature):
        raise Refusal(401, "SignatureNotMatch", f"signature {claim.signature} not match")


def _check_version(message: Message) -> None:
    version = message.header("x-log-apiversion")
    if not version:
        raise Refusal(400, "MissingAPIVersion", "x-log-apiversion does not exist in http header")
    if version != API_VERSION:
        raise Refusal(400, "InvalidAPIVersion", f"x-log-apiversion {version[:20]} is unsupported")


def _claim(message: Message) -> Claim:
    authorization = message.header("Authorization")
    if not authorization:
        raise Refusal(400, "MissAccessKeyId", "Authorization does not exist in http header")
    try:
        claim = parse(authorization)
    except ValueError as error:
        raise Refusal(401, "Unauthorized", str(error)) from None
    method = message.header("x-log-signaturemethod")
    if claim.version == "v1" and not method:
        raise Refusal(400, "MissingSignatureMethod", "x-log-signaturemethod does not exist in http header")
    if claim.version == "v1" and method != "hmac-sha1":
        raise Refusal(400, "InvalidSignatureMethod", f"signature method {method[:20]} is unsupported")
    return claim


def _check_clock(message: Message, claim: Claim, now: float) -> None:
    if not message.header("Date") and not message.header("x-log-date"):
        raise Refusal(400, "MissingDate", "Date does not exist in http header")
    try:
        at = moment(message, claim)
    except ValueError as error:
        raise Refusal(400, "InvalidDateFormat", str(error)) from None
    if abs(at - now) > CLOCK_SKEW:
        raise Refusal(400, "RequestTimeExpired", f"request time {at:.0f} has expired, server time is {now:.0f}")
    if claim.version == "v4" and not message.header("x-log-date").startswith(claim.day):
        raise Refusal(401, "SignatureNotMatch", "the credential's day is not that of x-log-date")


def _check_body(message: Message, claim: Claim, body: bytes) -> None:
    name, code = _HASHES[claim.version]
    given = message.header(name)
    if not given and (body or claim.version == "v4"):
        raise Refusal(400, f"Missing{code}", f"{name} does not exist in http header")
    if given and not hmac.compare_digest(given.lower().encode(), body_hash(claim.version, body).lower().encode()):
        raise Refusal(400, f"Invalid{code}", f"{name} is not that of the body")
