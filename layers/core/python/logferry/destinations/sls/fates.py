"""What an answer of the log service to PutLogs means for the payload.

| answer | fate |
|---|---|
| 2xx with `x-log-requestid` | taken |
| 2xx without | Misconfigured: something else answered |
| quotas of speed (`WriteQuotaExceed`, `ShardWriteQuotaExceed`, …), `ServerBusy`, 429, 503 | Transient, nothing taken |
| other 5xx, 408, `RequestTimeout` | Transient, perhaps taken |
| `PostBodyTooLarge`, 413 | TooLarge |
| `PostBodyInvalid`, `InvalidTimestamp`, `InvalidKey`, `InvalidEncoding` | Permanent: bisected, the culprit is parked |
| `ProjectNotExist`, `LogStoreNotExist` | Misconfigured, with what to make |
| keys, signatures, clocks, permissions | Misconfigured, with what to check and the RAM action that is needed |
| anything else | Misconfigured: the service says what it does not like of a log, so it is the request |
"""

from logferry.errors import DeliveryError, Misconfigured, Missing, Permanent, SourceError, TooLarge, Transient
from logferry.sls.client import Answer
from logferry.sls.refusals import NOT_ITS_OWN, Refusal, translate

__all__ = ["fate", "is_busy"]

_BUSY = frozenset({"ServerBusy"})
_CONTENT = frozenset({"PostBodyInvalid", "InvalidTimestamp", "InvalidKey", "InvalidEncoding"})
_TOO_LARGE = frozenset({"PostBodyTooLarge"})
_LATER = frozenset({408, 425, 429})
_WRONG = "is the endpoint right, and what stands in front of it?"


def fate(said: Answer | Refusal) -> DeliveryError | None:
    """The error to raise; None: taken."""
    if isinstance(said, Refusal):
        return _refused(said)
    if "x-log-requestid" in said.headers:
        return None
    return Misconfigured(f"{said.operation}: an answer without x-log-requestid is not the log service's: {_WRONG}")


def is_busy(said: Refusal) -> bool:
    """Whether it was too much at once, so that nothing of it was taken."""
    return said.is_quota or said.code in _BUSY or said.status in (425, 429, 503)


def _refused(said: Refusal) -> DeliveryError:
    error = translate(said)
    if isinstance(error, Missing):
        return Misconfigured(f"{error}; {_making(said)}")
    if said.status in _LATER or (isinstance(error, SourceError) and error.transient):
        return Transient(said.message, retry_after=said.retry_after, in_doubt=not is_busy(said))
    if said.code in _TOO_LARGE or said.status == 413:
        return TooLarge(said.message)
    if said.code in _CONTENT:
        return Permanent(said.message)
    return Misconfigured(f"{error}; {_WRONG}" if said.code == NOT_ITS_OWN else str(error))


def _making(said: Refusal) -> str:
    if said.code == "ProjectNotExist":
        return "make the project in this region, or correct endpoint or region, and project"
    return "make the logstore (its console, or CreateLogstore), or correct its name: logferry makes none"
