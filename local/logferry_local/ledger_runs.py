"""The backfill runs of a task, one line each."""

import sys
from typing import Any

import orjson

from logferry.backfills import Runs
from logferry.model import Counts
from logferry.wiring import Workshop
from logferry_local import task_view
from logferry_local.backfill.window import shown

__all__ = ["show"]

_COLUMNS = ("run", "state", "from", "to", "read", "delivered", "parked", "maybe_repeated")


def show(shop: Workshop, task: str, *, as_json: bool) -> None:
    """Print them, oldest first."""
    shop.tasks.get(task)
    found = _listed(shop, task)
    if as_json:
        body = orjson.dumps({"task": task, "runs": found}, option=orjson.OPT_INDENT_2)
        sys.stdout.write(body.decode() + "\n")
    else:
        task_view.print_rows(_COLUMNS, [[one[column] for column in _COLUMNS] for one in found])


def _listed(shop: Workshop, task: str) -> list[dict[str, Any]]:
    found = []
    for run in Runs(shop.table).all(task):
        rows = shop.ledger.of_run(run.run).rows(task)
        counts = sum((row.counts for row in rows), Counts())
        found.append({
            "run": run.run, "state": run.state, "version": run.version,
            "from": shown(run.since), "to": shown(run.until), "made": shown(run.made),
            **{name: getattr(counts, name) for name in Counts.__struct_fields__},
        })  # fmt: skip
    return found
