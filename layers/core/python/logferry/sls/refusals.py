"""What the log service's errors mean for us: its status and `errorCode` become one of our errors, once, here.

| answer | error |
|---|---|
| `ConsumerGroupQuotaExceed`, `ProjectQuotaExceed` (400) | Misconfigured: there are too many; no waiting helps |
| 5xx, 429, `ServerBusy`, `RequestTimeout`, quotas of speed (`…QuotaExceed`) | SourceError, transient, `Retry-After` |
| a cursor that is invalid or older than what is kept | Expired |
| `ProjectNotExist`, `LogStoreNotExist`, `ShardNotExist`, `ConsumerGroupNotExist` | Missing |
| signature, key, token, clock, permission (401, other 403) | KeyRefused, a Misconfigured that says what to do |
| everything else | Declined, a SourceError that is not transient, with the service's code |

Messages hold operation, status, code, text and request id; where permission is missing, also the action that the
operation needs. What the service echoes of our secrets is masked.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from logferry.errors import Expired, LogferryError, Misconfigured, Missing, SourceError
from logferry.sls.actions import needs

__all__ = ["NOT_ITS_OWN", "Declined", "KeyRefused", "Refusal", "refusal", "translate"]

NOT_ITS_OWN = "HTTP"

_MAX_TEXT = 300  # characters of the service's own message
_BUSY = {"ServerBusy", "RequestTimeout", "InternalServerError"}
_MISSING = {"ProjectNotExist", "LogStoreNotExist", "LogstoreNotExist", "ShardNotExist", "ConsumerGroupNotExist"}
_CLOCK = "check this machine's clock (15 minutes at most)"
_TOKEN = "renew the temporary key and its security_token"  # noqa: S105  # advice, no secret
_ADVICE = {
    "SignatureNotMatch": "check access_key_secret (and region, with v4)",
    "Unauthorized": "check access_key_id and what its RAM user or role may do",
    "InvalidAccessKeyId": "check access_key_id",
    "InvalidAccessKeyId.NotFound": "check access_key_id",
    "SecurityToken.Expired": _TOKEN,
    "SecurityTokenExpired": _TOKEN,
    "SecurityToken.Invalid": _TOKEN,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestTimeExpired": _CLOCK,
}


_FULL = {  # how many there may be, not how fast
    "ConsumerGroupQuotaExceed": "a logstore has at most 30 consumer groups: delete those that nobody uses any more "
    "(`logferry sls groups list`, `logferry sls groups delete NAME`)",
    "ProjectQuotaExceed": "delete what is not used any more, or ask the vendor for a higher quota",
}
_PERMISSION = ("Unauthorized", "Forbidden", "AccessDenied")


class KeyRefused(Misconfigured):
    """The service does not take our key, signature or clock: reading the key again may help."""


class Declined(SourceError):
    """The service says no to the request itself; `code` is its `errorCode`."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Refusal(Struct, frozen=True):
    """An answer that is no success."""

    operation: str
    status: int
    code: str
    text: str
    request_id: str
    retry_after: float | None

    @property
    def message(self) -> str:
        """What was refused, and in which words."""
        told = f"{self.operation}: {self.status} {self.code}: {self.text[:_MAX_TEXT]}"
        return f"{told} (request id {self.request_id})"

    @property
    def is_quota(self) -> bool:
        """Whether it was too much at once."""
        return "quotaexceed" in self.code.lower() or (self.status == 403 and " exceed" in self.text.lower())

    @property
    def is_denial(self) -> bool:
        """Whether the key is right, and its user or role may not do this."""
        return self.code in _PERMISSION and (self.status == 403 or "denied" in self.text.lower())


def refusal(
    operation: str, status: int, headers: Mapping[str, str], body: bytes, secrets: Sequence[str] = ()
) -> Refusal:
    """What an answer says; an answer that is not the service's own (a proxy's page) has the code `HTTP`."""
    code, text = NOT_ITS_OWN, body[: 4 * _MAX_TEXT].decode("utf-8", "replace")
    try:
        found = msgspec.json.decode(body, type=dict[str, object])
        code, text = str(found["errorCode"]), str(found.get("errorMessage", ""))
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError, RecursionError):
        pass
    for secret in filter(None, secrets):
        code, text = code.replace(secret, "***"), text.replace(secret, "***")
    wait = headers.get("Retry-After", "")
    after = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else None
    request_id = headers.get("x-log-requestid", "none")[:80]
    return Refusal(operation, status, code[:80], " ".join(text.split()), request_id, after)


def translate(said: Refusal) -> LogferryError:
    """Our error for it."""
    message = said.message
    if said.code in _FULL and said.status < 500 and not (said.status == 403 and said.code == "ProjectQuotaExceed"):
        return Misconfigured(f"{message}; {_FULL[said.code]}")
    if said.status >= 500 or said.status == 429 or said.code in _BUSY or said.is_quota:
        return SourceError(message, transient=True, retry_after=said.retry_after)
    if "invalidcursor" in said.code.lower():
        return Expired(message)
    if said.code in _MISSING:
        return Missing(message)
    if said.code in _ADVICE or said.status in (401, 403):
        advice = _ADVICE.get(said.code, "check what the key's RAM user or role may do")
        wanted = needs(said.operation) if said.status == 403 or said.code in _PERMISSION else ""
        return KeyRefused(f"{message}; {advice}{wanted}")
    return Declined(message, said.code)
