"""Is this a LogGroup? Only what must hold before it is stored; the bytes are never changed.

Text is not judged: the service's own clients send values in any encoding. Times are Unix seconds.
"""

from google.protobuf.message import DecodeError

from logferry.sls.schema import schema
from logferry_local.sls_server.refusals import Refusal

__all__ = ["MAX_BYTES", "MAX_LOGS", "check"]

MAX_BYTES = 10 << 20  # of one group, before compression
MAX_LOGS = 40_960
_OLDEST, _NEWEST = 7 * 86_400, 15 * 60  # seconds before and after now that the service takes


def check(group: bytes, now: float | None = None) -> None:
    """Refusal unless it is a LogGroup (and, if `now` is given, its times lie in the service's window)."""
    try:
        logs = schema().group_raw.FromString(group).Logs
        times = [schema().log_raw.FromString(log).Time for log in logs]
    except DecodeError:
        raise Refusal(400, "PostBodyInvalid", "post body is not a log group") from None
    if len(times) > MAX_LOGS:
        raise Refusal(400, "PostBodyTooLarge", f"{len(times)} logs, at most {MAX_LOGS}")
    if now is not None and not all(now - _OLDEST <= time <= now + _NEWEST for time in times):
        raise Refusal(400, "InvalidTimestamp", "a log is older than 7 days or more than 15 minutes ahead")
