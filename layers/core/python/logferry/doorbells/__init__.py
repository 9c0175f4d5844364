"""What rang: the event of a platform -> the kind of source it is for, and what it says. One file a kind of source.

Each file has the name of its source and `parse(event) -> bell | None`: None for an event of another kind, ConfigError
for one of this kind that cannot be read. It has `WAY` too: how the logs are got.

| `WAY` | means | done by |
|---|---|---|
| `look` | the event says where to look; the logs are pulled from a cursor on | `calls` |
| `take` | the logs are in the event, and whoever sent it sends it again if the call fails | `intake` |
| `fetch` | the event names objects, which can be got again by their keys | `errands` |

Only light modules here: a cold start reads them all.
"""

from typing import Literal

from msgspec import Struct

from logferry import registry
from logferry.errors import ConfigError

__all__ = ["Rung", "Way", "answer"]

Way = Literal["look", "take", "fetch"]


class Rung(Struct, frozen=True):
    """A doorbell that was recognised."""

    kind: str  # of the source: the name of the file
    way: Way
    bell: object  # what the file made of the event; `sources/KIND.py` knows its type


def answer(event: object) -> Rung:
    """Whose doorbell it is. ConfigError for an event that nobody knows, or that its kind finds mistakes in."""
    for kind in registry.names("doorbells"):
        module = registry.find("doorbells", kind)
        bell = module.parse(event)
        if bell is not None:
            return Rung(kind, module.WAY, bell)
    shown = "; ".join(f"{kind}: {registry.find('doorbells', kind).FORM}" for kind in registry.names("doorbells"))
    raise ConfigError([f"this is the event of no source that is known; {shown}"], subject="event")
