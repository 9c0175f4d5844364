"""Where payloads go. One file a destination, with four public names:

`Config`   the options: a `config.Config`, every field documented in docs/destinations/<name>.md
`encoder`  `(Config, Surroundings) -> Encoder`
`build`    `(Config, Surroundings) -> Destination`
`__all__`  the names above

The contract suite (tests/contract/test_destinations.py) runs over every file here.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from logferry.model import Confirmation, Limits, Payload
from logferry.vault import Vault

__all__ = ["Destination", "Surroundings"]


class Surroundings(NamedTuple):
    """What a destination gets from outside its own options."""

    task: str
    vault: Vault
    clock: Callable[[], float] = time.time


class Destination(Protocol):
    """The far side of one task. `send` is called from several threads when `limits.in_flight` > 1."""

    confirmation: Confirmation
    limits: Limits

    def check(self, time_out: float) -> None:
        """Reach the far side within `time_out` seconds, before the first pull. Raises Transient or Misconfigured."""
        ...

    def send(self, payload: Payload, time_out: float) -> None:
        """Send within `time_out` seconds. Returns only when the payload was taken; else a DeliveryError."""
        ...

    def confirm(self, time_out: float) -> None:
        """Called before each save. `socket`: drain and look for an alert or reset (Transient: all since the
        last save goes again). Others: nothing to do."""
        ...

    def refresh(self) -> bool:
        """Read the secrets again (called once after Misconfigured); whether any of them changed."""
        ...

    def close(self) -> None:
        """Let go of connections; never raises."""
        ...
