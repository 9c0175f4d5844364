"""What a secret store's answer says: the text, one key of a JSON object in it, or why there is none."""

import json
from typing import Any

from logferry.errors import Transient

__all__ = ["KEPT", "MOST", "document", "one_of", "passing"]

KEPT = 300.0  # seconds until a rotated secret is in use at the latest; one that is refused is read again at once
MOST = 1_048_576  # bytes of an answer: 64 KiB of secret, each character escaped


def document(body: bytes) -> dict[str, Any]:
    """The answer as a mapping; an empty one for what is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def one_of(text: object, name: str, key: str) -> str:
    """The secret itself, or what its JSON object has under `key`. LookupError: there is no such text."""
    if not isinstance(text, str) or not text:
        raise LookupError(f"{name} holds no text: store the secret as a string")
    if not key:
        return text
    held = document(text.encode("utf-8", "surrogatepass"))
    value = held.get(key)
    if not isinstance(value, str) or not value:
        # The names of the other keys are not told: an error is seen by more people than the secret.
        raise LookupError(f"{name} is no JSON object with a text under {key!r}: add the key or correct its name")
    return value


def passing(name: str, status: int) -> Transient:
    """The store does not answer now."""
    return Transient(f"{name}: the secret store answered {status}")
