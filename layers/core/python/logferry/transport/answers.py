"""What an HTTP status means when nothing better is known, and how to quote an answer.

| status | fate |
|---|---|
| 2xx | taken |
| 3xx; 401, 402, 403, 404, 405, 407, 410, 411, 414, 415, 421, 431, 451 | Misconfigured: address or credentials |
| 408, 425, 429, 5xx | Transient, after `Retry-After` if given |
| 413 | TooLarge |
| any other 4xx | Permanent: something in this payload |
"""

import re
from collections.abc import Sequence

from logferry.errors import DeliveryError, Misconfigured, Permanent, TooLarge, Transient
from logferry.transport.web import Reply
from logferry.vault import Secret

__all__ = ["by_status", "quote", "retry_after"]

_ADDRESS = frozenset({401, 402, 403, 404, 405, 407, 410, 411, 414, 415, 421, 431, 451})
_LATER = frozenset({408, 425, 429})
_UNTAKEN = frozenset({425, 429, 503})  # these say that nothing was done; a gateway's time-out does not
_LONGEST = 86_400.0  # seconds; a longer wish is a mistake of the far side
_SHOWN = 200


def by_status(reply: Reply, text: str, now: float) -> DeliveryError | None:
    """The error that a status stands for, with `text`; None for 2xx. `now` is Unix time."""
    if 200 <= reply.status < 300:
        return None
    if reply.status < 200 or reply.status < 400 or reply.status in _ADDRESS:
        return Misconfigured(text)
    if reply.status in _LATER or reply.status >= 500:
        return Transient(text, retry_after=retry_after(reply, now), in_doubt=reply.status not in _UNTAKEN)
    return TooLarge(text) if reply.status == 413 else Permanent(text)


def retry_after(reply: Reply, now: float) -> float | None:
    """Seconds to wait by `Retry-After`, a number or an HTTP date; None if it is absent or neither."""
    value = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,9})?", value):
        return min(float(value), _LONGEST)
    if not value:
        return None
    from email.utils import parsedate_to_datetime  # loads a fifth of what a cold start does; dates are rare

    try:
        return min(max(parsedate_to_datetime(value).timestamp() - now, 0.0), _LONGEST)
    except (ValueError, OverflowError):
        return None


def quote(body: bytes, secrets: Sequence[Secret] = ()) -> str:
    """The answer's text for a message: one line, at most 200 characters, no secret even if the far side echoes it."""
    text = body.decode(errors="replace")
    for secret in secrets:
        text = text.replace(secret.reveal(), "***")
    text = re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", text).strip()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
