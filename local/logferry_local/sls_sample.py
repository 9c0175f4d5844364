"""`logferry sls sample`: invented logs as JSON lines, for `sls put` and for trying things out."""

import json
import sys
import time
from typing import Annotated, Literal

import typer

from logferry_local.sample_logs import access_origin, small, waf

__all__ = ["register"]

_KINDS = {"waf": waf, "access_origin": access_origin, "small": small}


def register(group: typer.Typer) -> None:
    """Add `sample`."""
    group.command("sample")(sample)


def sample(
    count: Annotated[int, typer.Argument(metavar="COUNT", min=1, max=100_000_000, help="How many.")],
    *,
    kind: Annotated[
        Literal["waf", "access_origin", "small"],
        typer.Option(help="WAF access logs of 30 fields, ESA access and origin logs of 58, or logs of 8."),
    ] = "waf",
    seed: Annotated[int, typer.Option(help="Another seed, other logs; the same seed, the same.")] = 1,
) -> None:
    """Print invented logs, one JSON object a line, with the times of the last moments."""
    begin = int(time.time()) - count // 50
    for log in _KINDS[kind].make(count, seed=seed, begin=begin):
        sys.stdout.write(json.dumps(log.fields, ensure_ascii=False) + "\n")
