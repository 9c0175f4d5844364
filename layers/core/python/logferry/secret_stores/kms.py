"""Alibaba Cloud KMS: `secret://kms/NAME#KEY`, asked with the function's own role.

NAME is a generic secret's name, KEY one of the keys of a JSON object. The region is `LOGFERRY_KMS_REGION`, else
`FC_REGION`, which Function Compute sets; `LOGFERRY_KMS_ENDPOINT` says where KMS is, if not at its public name
(from within a VPC: https://kms-vpc.REGION.aliyuncs.com). Needs kms:GetSecretValue, and kms:Decrypt for a key of one's
own.
Source: Alibaba Cloud, "Key Management Service API Reference: GetSecretValue" (2016-01-20).
"""

import re
import time
import uuid
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from logferry.acs3 import Action, Key, query_of, signed
from logferry.secret_stores import _answers
from logferry.transport.web import Web
from logferry.vault import Secret

__all__ = ["KEPT", "read"]

KEPT = _answers.KEPT
_TIME_OUT, _CONNECT = 8.0, 3.0
_VERSION = "2016-01-20"
_ADVICE = {
    "Forbidden.ResourceNotFound": "there is none of that name in {region}: make it or correct the name",
    "Forbidden.NoPermission": "access denied: allow kms:GetSecretValue on it (and kms:Decrypt on a key of your own)",
    "NoPermission": "access denied: allow kms:GetSecretValue on it (and kms:Decrypt on a key of your own)",
    "Forbidden.KeyNotFound": "its key is gone",
}


def read(rest: str, environ: Mapping[str, str]) -> str:
    """The secret's text. LookupError says what to do; Transient: the service does not answer now."""
    name, _, key = rest.partition("#")
    region = environ.get("LOGFERRY_KMS_REGION") or environ.get("FC_REGION") or ""
    if not re.fullmatch(r"[a-z0-9-]{2,40}", region):
        raise LookupError("no region: set LOGFERRY_KMS_REGION, such as cn-hangzhou")
    if not name:
        raise LookupError("not secret://kms/NAME or secret://kms/NAME#KEY")
    url = (environ.get("LOGFERRY_KMS_ENDPOINT") or f"https://kms.{region}.aliyuncs.com").rstrip("/")
    action = Action(urlsplit(url).netloc, "GetSecretValue", _VERSION, {"SecretName": name})
    headers = signed(action, _key(environ), time.time(), uuid.uuid4().hex)
    reply = _web().request(
        "POST", f"{url}/?{query_of(action.parameters)}", headers=headers | {"accept": "application/json"},
        time_out=_TIME_OUT, connect=_CONNECT,
    )  # fmt: skip
    found = _answers.document(reply.body)
    if reply.status != 200:
        raise _refused(reply.status, found, region)
    if found.get("SecretDataType", "text") != "text":
        raise LookupError(f"{name} holds no text: store the secret as text")
    return _answers.one_of(found.get("SecretData"), name, key)


def _refused(status: int, found: Mapping[str, object], region: str) -> Exception:
    code = re.sub(r"[^A-Za-z.]", "", str(found.get("Code", "")))[:80]
    if status >= 500 or status == 429 or code.startswith(("Throttling", "Rejected.Throttling")):
        return _answers.passing("kms", status)
    advice = _ADVICE.get(code, "check the function's role, and its clock")
    return LookupError(f"kms answered {status} {code}: " + advice.format(region=region))


def _key(environ: Mapping[str, str]) -> Key:
    key_id, secret, token = (
        environ.get(f"ALIBABA_CLOUD_{name}") for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
    )
    if not key_id or not secret:
        raise LookupError(
            "no access key: give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and …_ACCESS_KEY_SECRET"
        )
    return Key(key_id, Secret(secret), Secret(token) if token else None)


@cache
def _web() -> Web:
    """Kept while the instance lives."""
    return Web(max_reply=_answers.MOST)
