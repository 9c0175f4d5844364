"""The functions at work: the log trigger of `s.yaml` until there is nothing new, then the sweep for what is left."""

import orjson

from logferry import wiring
from logferry.errors import StateError
from logferry_local.demo.children import tail
from logferry_local.demo.site import LOGSTORE, PROJECT, Site
from logferry_local.trigger_runner import Firing
from logferry_local.trigger_runner.assembly import Plan, assemble
from logferry_local.trigger_runner.logstores import cursors_of
from logferry_local.trigger_runner.positions import Positions
from logferry_local.trigger_runner.runner import Settings

__all__ = ["forward"]

_ROUNDS, _SWEEPS = 1_000, 3


def forward(site: Site) -> None:
    """Deliver everything that is in the logstore; StateError that tells what went wrong if some is left."""
    troubles: list[str] = []
    fired: list[Firing] = []
    settings = Settings(
        positions=Positions(site.folder / "triggers.json"), start="begin", note=fired.append, trouble=troubles.append
    )
    log = site.logs / "functions.log"
    with log.open("ab") as errors:
        plan = Plan(
            file=site.checkout / "s.yaml", functions=site.checkout / "functions", environ=site.environ,
            endpoint=site.endpoint, variables={"project": PROJECT, "logstore": LOGSTORE}, logs=errors.fileno(),
        )  # fmt: skip
        runner = assemble(plan, cursors_of(site.environ), settings)
        try:
            runner.run_until_idle(rounds=_ROUNDS)
            sweeps = 0
            while (left := _left(site)) and sweeps < _SWEEPS:
                runner.fire_timers()
                sweeps += 1
        finally:
            runner.close()
    if left:
        given_up = "\n".join(_show(firing) for firing in fired if not firing.ok)
        raise StateError(f"not all was delivered: {'; '.join([*left, *troubles])}\n{given_up}\n{tail(log)}".strip())


def _left(site: Site) -> list[str]:
    """Streams that are not at their end."""
    shop = wiring.workshop(site.environ)
    found = []
    for stored in shop.tasks.all():
        source = shop.source(stored.task())
        rows = {row.stream: row for row in shop.ledger.rows(stored.name)}
        for stream in source.streams():
            row, end = rows.get(stream.name), source.position(stream.name, "end")
            if row is None or source.order(row.position) < source.order(end):
                found.append(f"{stored.name}/{stream.name}: {(row.last_error if row else '') or 'behind'}")
    return found


def _show(firing: Firing) -> str:
    reply = firing.reply if isinstance(firing.reply, str) else orjson.dumps(firing.reply).decode()
    return f"{firing.function}: {reply[:500]}"
