"""AWS: `secret://aws/secretsmanager/NAME#KEY` and `secret://aws/ssm/NAME`, asked with the function's own role.

NAME is a secret's name or ARN, or a parameter's (`logferry/token` is `/logferry/token`); KEY one of the keys of a JSON
object, as the console makes it. The region is the ARN's, else `AWS_REGION`. `AWS_ENDPOINT_URL_SECRETS_MANAGER`,
`AWS_ENDPOINT_URL_SSM` or `AWS_ENDPOINT_URL` say where the service is, if not at its public name. Needs
secretsmanager:GetSecretValue or ssm:GetParameter, and kms:Decrypt for a key of one's own. The SDK is loaded only where
the environment has no key. Source: AWS, "Secrets Manager API Reference" and "Systems Manager API Reference".
"""

import json
import re
import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from logferry.aws_keys import SdkChain, key_of
from logferry.errors import Misconfigured
from logferry.secret_stores import _answers
from logferry.sigv4 import Key, Message, signed
from logferry.transport.web import Reply, Web

__all__ = ["KEPT", "read"]

KEPT = _answers.KEPT
_TIME_OUT, _CONNECT = 8.0, 3.0
_FORM = "secret://aws/secretsmanager/NAME#KEY or secret://aws/ssm/NAME"
_ADVICE = {
    "ResourceNotFoundException": "there is none of that name in {region}: make it or correct the name",
    "ParameterNotFound": "there is none of that name in {region}: make it or correct the name",
    "AccessDeniedException": "access denied: allow {action} on it (and kms:Decrypt on a key of your own)",
    "DecryptionFailure": "it cannot be decrypted: allow kms:Decrypt on its key",
    "InvalidRequestException": "it is being deleted, or has no value yet",
}
_PASSING = re.compile("Throttl|RequestLimit|TooManyRequests|InternalS|ServiceUnavailable")


class _Service(NamedTuple):
    host: str
    target: str
    action: str
    endpoint: str  # the environment's name for another address


_SERVICES = {
    "secretsmanager": _Service(
        "secretsmanager", "secretsmanager.GetSecretValue", "secretsmanager:GetSecretValue",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    ),
    "ssm": _Service("ssm", "AmazonSSM.GetParameter", "ssm:GetParameter", "AWS_ENDPOINT_URL_SSM"),
}  # fmt: skip


def read(rest: str, environ: Mapping[str, str]) -> str:
    """The secret's text. LookupError says what to do; Transient: the service does not answer now."""
    service, _, what = rest.partition("/")
    name, _, key = what.partition("#")
    if service not in _SERVICES or not name:
        raise LookupError(f"not {_FORM}")
    region = _region(name, environ)
    about = _SERVICES[service]
    if service == "ssm":
        is_whole = "/" not in name or name.startswith("arn:")
        asked: dict[str, object] = {"Name": name if is_whole else f"/{name.lstrip('/')}", "WithDecryption": True}
    else:
        asked = {"SecretId": name}
    reply = _ask(about, json.dumps(asked).encode(), region, environ)
    found = _answers.document(reply.body)
    if reply.status != 200:
        raise _refused(about, reply.status, found, region)
    held = found.get("Parameter") if service == "ssm" else found
    text = held.get("Value" if service == "ssm" else "SecretString") if isinstance(held, dict) else None
    return _answers.one_of(text, name, key)


def _ask(about: _Service, body: bytes, region: str, environ: Mapping[str, str]) -> Reply:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    public = f"https://{about.host}.{region}.{suffix}"
    url = environ.get(about.endpoint) or environ.get("AWS_ENDPOINT_URL") or public
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": about.target}
    message = Message("POST", urlsplit(url).netloc, "/", "", headers, body)
    sent = signed(message, _key(environ), region, time.time(), about.host)
    return _web().request(
        "POST", url.rstrip("/") + "/", headers=sent, body=body, time_out=_TIME_OUT, connect=_CONNECT
    )  # fmt: skip


def _refused(about: _Service, status: int, found: Mapping[str, object], region: str) -> Exception:
    code = str(found.get("__type", "")).rpartition("#")[2][:80]
    if status >= 500 or status == 429 or _PASSING.search(code):
        return _answers.passing(about.host, status)
    advice = _ADVICE.get(code, "check the function's role, and its clock")
    shown = re.sub(r"[^A-Za-z.]", "", code)
    return LookupError(f"{about.host} answered {status} {shown}: " + advice.format(region=region, action=about.action))


def _region(name: str, environ: Mapping[str, str]) -> str:
    arn = name.split(":")
    region = (
        arn[3] if len(arn) > 5 and arn[0] == "arn" else environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    )
    if not region or not re.fullmatch(r"[a-z0-9-]{2,40}", region):
        raise LookupError("no region: set AWS_REGION, or name the secret by its ARN")
    return region


def _key(environ: Mapping[str, str]) -> Key:
    try:
        return key_of(environ, _chain())
    except Misconfigured as error:
        raise LookupError(str(error)) from None


@cache
def _chain() -> SdkChain:
    """Kept while the instance lives: it renews temporary keys by itself."""
    return SdkChain()


@cache
def _web() -> Web:
    """Kept while the instance lives."""
    return Web(max_reply=_answers.MOST)
