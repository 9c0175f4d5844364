"""Where payloads go. One file a destination, with four public names:

`Config`   the options: a `config.Config`, every field documented in docs/destinations/<name>.md
`encoder`  `(Config, Surroundings) -> Encoder`
`build`    `(Config, Surroundings) -> Destination`
`__all__`  the names above

A file may also say with `PLACE` which options name the place it delivers to (without it, all of them do): a task whose
place changes has to prove its ownership again. How it can be proved is what the destination's object offers: `Files`,
`Echoes`, or neither (then a marked test record carries the token). A kind that is meant for the same account says with
`is_own_account(Config) -> bool` whether that is so: if not, it has to be proved. docs/ownership.md.

The contract suite (tests/contract/test_destinations.py) runs over every file here.
"""

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from logferry.model import Confirmation, Limits, Payload
from logferry.transport.reach import Reach
from logferry.vault import Vault

__all__ = ["Destination", "Echoes", "Files", "Surroundings"]


class Surroundings(Struct, frozen=True):
    """What a destination gets from outside its own options."""

    task: str
    vault: Vault
    clock: Callable[[], float] = time.time

    @property
    def reach(self) -> Reach:
        """Which addresses it may connect to; ConfigError when the environment says nonsense."""
        return Reach.of(self.vault.environ)


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


@runtime_checkable
class Files(Protocol):
    """A destination that keeps objects: a file with a token is put where the logs go."""

    def place_token(self, name: str, text: str, time_out: float) -> str:
        """Write `text` as the object `name` into the task's log directory; its whole key. Raises a DeliveryError."""
        ...

    def read_token(self, key: str, time_out: float) -> str:
        """The text of that object, with the reader's own credentials. Raises a DeliveryError."""
        ...


@runtime_checkable
class Echoes(Protocol):
    """A destination whose receiver can say back what it is told."""

    def echo(self, nonce: str, time_out: float) -> bool:
        """Whether the receiver answered with the nonce. Raises a DeliveryError."""
        ...
