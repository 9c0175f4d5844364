"""Who sent a request: the signature in its headers (version 2: HMAC-SHA1, version 4: HMAC-SHA256); and our answers'.

Signed are the path, `POST`, the query and all `x-ots-` headers, sorted; among these is the body's MD5. A request is
good for 15 minutes. Hashes are compared in constant time. Specification: the service's API reference, "Signature".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from logferry.vault import Secret
from logferry_local.ots_server.refusals import Refusal, parameter

__all__ = ["CLOCK_SKEW", "AccessKey", "Signer", "answer_headers", "verified"]

CLOCK_SKEW = 15 * 60.0
_SIGNATURE, _SIGNATURE_4 = "x-ots-signature", "x-ots-signaturev4"


class AccessKey(NamedTuple):
    """A key that may sign; with a token a temporary one."""

    secret: Secret
    token: Secret | None = None


class Signer(NamedTuple):
    """Who signed a request, and with what the answer is signed."""

    key_id: str
    key: bytes


def verified(path: str, headers: Mapping[str, str], body: bytes, keys: Mapping[str, AccessKey], now: float) -> Signer:
    """Whose request it is; Refusal unless it was signed with one of the keys, just now, over this body."""
    given = {name.lower(): value.strip() for name, value in headers.items() if name.lower().startswith("x-ots-")}
    _check_frame(given, body)
    key_id = given["x-ots-accesskeyid"]
    key = keys.get(key_id)
    if key is None:
        raise _failed("the access key id is unknown")
    token = key.token.reveal() if key.token else ""
    if not hmac.compare_digest(given.get("x-ots-ststoken", "").encode(), token.encode()):
        raise _failed("the security token is not that of the key")
    if abs(_moment(given["x-ots-date"]) - now) > CLOCK_SKEW:
        raise _failed("the date is more than 15 minutes from the service's")
    signing_key = _signing_key(given, key.secret, now)
    if not hmac.compare_digest(_signature(path, given, signing_key).encode(), _claimed(given).encode()):
        raise _failed("the signature does not fit")
    return Signer(key_id, signing_key)


def answer_headers(path: str, body: bytes, request_id: str, now: float, signer: Signer | None) -> dict[str, str]:
    """The headers of an answer; signed if it is known for whom."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    headers = {
        "x-ots-contentmd5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
        "x-ots-contenttype": "protocol buffer",
        "x-ots-date": moment,
        "x-ots-requestid": request_id,
    }
    if signer:
        text = f"{_joined(headers)}\n{path}"
        headers["Authorization"] = f"OTS {signer.key_id}:{_hmac(signer.key, text, 'sha1')}"
    return headers


def _check_frame(given: Mapping[str, str], body: bytes) -> None:
    for name in ("date", "apiversion", "accesskeyid", "instancename", "contentmd5"):
        if not given.get(f"x-ots-{name}"):
            raise parameter(f"the header x-ots-{name} is missing")
    if given["x-ots-apiversion"] != "2015-12-31":
        raise parameter("x-ots-apiversion: 2015-12-31 is spoken here")
    hashed = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest())
    if not hmac.compare_digest(given["x-ots-contentmd5"].encode(), hashed):
        raise _failed("x-ots-contentmd5 is not that of the body")


def _signing_key(given: Mapping[str, str], secret: Secret, now: float) -> bytes:
    key = secret.reveal().encode()
    if _SIGNATURE_4 not in given:
        return key
    day = given.get("x-ots-signdate", "")
    days = {datetime.fromtimestamp(now + skew, UTC).strftime("%Y%m%d") for skew in (-CLOCK_SKEW, CLOCK_SKEW)}
    if day not in days:
        raise _failed("x-ots-signdate is not today")
    key = b"aliyun_v4" + key
    for part in (day, given.get("x-ots-signregion", ""), "ots", "aliyun_v4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return base64.b64encode(key)


def _signature(path: str, given: Mapping[str, str], key: bytes) -> str:
    signed = {name: value for name, value in given.items() if name not in (_SIGNATURE, _SIGNATURE_4)}
    text = f"{path}\nPOST\n\n{_joined(signed)}\n"
    return _hmac(key, f"{text}ots", "sha256") if _SIGNATURE_4 in given else _hmac(key, text, "sha1")


def _claimed(given: Mapping[str, str]) -> str:
    return given.get(_SIGNATURE_4) or given.get(_SIGNATURE, "")


def _joined(headers: Mapping[str, str]) -> str:
    return "\n".join(sorted(f"{name}:{value}" for name, value in headers.items() if name.startswith("x-ots-")))


def _hmac(key: bytes, text: str, method: str) -> str:
    return base64.b64encode(hmac.digest(key, text.encode(), method)).decode()


def _moment(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise parameter("x-ots-date is no date") from None


def _failed(message: str) -> Refusal:
    return Refusal(403, "OTSAuthFailed", message)
