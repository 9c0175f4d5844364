"""Faithful test receivers. One file a sink; `logferry sink NAME` finds it by its name.

Each file `sinks/<name>.py` has two public names (`__all__ = ["Options", "open_sink"]`):

`Options`    a `config.Config` with the sink's own options, each with a default and one of the types
             str, int, float, bool. `logferry sink NAME` makes `--option-name` of each, with the
             `msgspec.Meta(description=…)` as its help text.
`open_sink`  `(Place, Options) -> Sink`: the sink listens when it returns, and works in its own threads.

What was acknowledged is in the file: a sink writes (`_lines.Lines`) before it answers.
"""

from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = ["Place", "Sink"]


class Place(NamedTuple):
    """Where a sink listens and what it writes."""

    out: Path  # appended to; made if it is not there
    host: str = "127.0.0.1"
    port: int = 0  # 0: any free port; `Sink.address` tells which


class Sink(Protocol):
    """A running receiver."""

    address: str  # scheme://host:port, with the real port

    def close(self) -> None:
        """Stop, and return when socket and file are closed; twice does no harm, never raises."""
        ...
