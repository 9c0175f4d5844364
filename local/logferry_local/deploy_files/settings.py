"""The values of logferry's own settings, judged by the library's own readers."""

import re
from collections.abc import Callable, Mapping

from logferry import apply, ownership, verify_calls, wiring
from logferry.errors import ConfigError, LogferryError
from logferry.runtime import log_lines
from logferry.transport.reach import Reach
from logferry.vault import Vault
from logferry_local.deploy_files.code import App
from logferry_local.deploy_files.deployed import Deployed
from logferry_local.deploy_files.findings import Notes, shown

__all__ = ["wrong"]

_READERS: tuple[Callable[[Mapping[str, str]], object], ...] = (
    wiring.settings, log_lines.level, ownership.policy, apply.most_tasks, Reach.of,
)  # fmt: skip
_SENDERS = "LOGFERRY_" + "AUTH_"  # the beginning of several names
_SAID = re.compile(r"(?P<name>[A-Z][A-Z0-9_]+): (?:.* is not |is not set, expected )(?P<expected>.*)", re.DOTALL)


def wrong(one: Deployed, app: App, notes: Notes) -> None:
    """Note each setting that the library would refuse."""
    known = {name: node.value for name, node in one.variables.items() if isinstance(node.value, str)}
    for problem in _problems(known, app):
        said = _SAID.match(problem)
        node = one.variables.get(said["name"]) if said else None
        if said is None or (node is not None and said["name"] not in known):
            continue  # known only at the deployment
        expected = said["expected"].rstrip(".")
        if node is not None:
            notes.at(node, expected, f"Write {expected}.", value=shown(node))
        elif said["name"].startswith(_SENDERS) and not one.is_open:
            place = one.environment or one.node
            what = (place.under(said["name"]), "missing")
            notes.add(place.line, place.column, what, expected, f"Add {said['name']}: {expected}.")


def _problems(known: Mapping[str, str], app: App) -> list[str]:
    found: list[str] = []
    for reader in _READERS:
        try:
            reader(known)
        except ConfigError as error:
            found += error.problems
    if f"{_SENDERS}KEYS" in app.names:
        try:
            verify_calls.Verifier(Vault(known))
        except ConfigError as error:
            found += [re.sub(r"^(\w+)", lambda field: f"{_SENDERS}{field[1].upper()}", one) for one in error.problems]
        except LogferryError as error:
            found.append(str(error))
    return [re.sub(r"^(\w+)\[\d+\]", r"\1", one) for one in found]
