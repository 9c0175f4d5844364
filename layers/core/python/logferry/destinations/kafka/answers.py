"""What a broker's error number means to a task. Numbers and names: the Kafka protocol guide, "Error codes"."""

from logferry.errors import DeliveryError, Misconfigured, Permanent, TooLarge, Transient

__all__ = ["DUPLICATE", "FORGOTTEN", "judge"]

DUPLICATE = 46  # an earlier attempt was taken
FORGOTTEN = frozenset({45, 47, 59})  # the broker does not know our numbers (any more): begin anew
# Said too when the leader changes or fails while it waits for the replicas: they may have it by then.
_MAYBE_TAKEN = frozenset({3, 6, 7, 20, 56})

_PASSING = {
    2: "the batch was damaged on its way", 3: "the partition is not there", 5: "the partition has no leader",
    6: "the partition has another leader", 7: "the replicas were too slow", 8: "the broker is not available",
    9: "a replica is not available", 13: "the broker was disconnected", 14: "the coordinator is loading",
    15: "no coordinator", 16: "another coordinator", 19: "too few replicas in sync", 20: "too few replicas in sync",
    45: "messages out of order", 47: "another producer has our number", 51: "busy", 56: "the broker's disk failed",
    59: "the broker has forgotten us", 72: "no listener for the leader", 74: "an old leader", 75: "a new leader",
    77: "an old broker", 89: "over its quota",
}  # fmt: skip
_FOR_A_PERSON = {
    17: "the topic's name is not allowed",
    29: "not authorized for the topic: grant Write and Describe on it",
    31: "not authorized for the cluster: grant IdempotentWrite on it (brokers before 3.0 need that)",
    33: "the broker has not this mechanism: set auth.mechanism to one that its listener offers",
    34: "the broker expects another way to log in: look at auth and tls",
    35: "the broker does not know this version of a request",
    44: "the broker's policy forbids it",
    54: "the broker has no security: leave auth out",
    58: "user name or password is wrong",
    76: "the broker does not take this compression: set compress",
}
_FOR_THE_MESSAGE = {32: "the time of a message is not allowed", 43: "not for this topic", 87: "a message is not valid"}


def judge(code: int, place: str, told: str = "", wait: float | None = None) -> DeliveryError:
    """The error. `told` is the broker's own text; an unknown number keeps the data at the source."""
    said = f" ({told[:200]})" if told else ""
    if code in (10, 18):
        return TooLarge(f"{place}: larger than the broker takes (error {code}){said}")
    if code in _FOR_THE_MESSAGE:
        return Permanent(f"{place}: {_FOR_THE_MESSAGE[code]} (error {code}){said}")
    if code in _FOR_A_PERSON:
        return Misconfigured(f"{place}: {_FOR_A_PERSON[code]} (error {code}){said}")
    reason = _PASSING.get(code, "the broker failed")
    in_doubt = code in _MAYBE_TAKEN or code not in _PASSING
    return Transient(f"{place}: {reason} (error {code}){said}", retry_after=wait, in_doubt=in_doubt)
