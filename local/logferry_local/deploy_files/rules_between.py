"""`s.yaml` against `template.yaml`: the same functions with the same time, memory and environment names."""

from logferry_local.deploy_files.deployed import Deployed
from logferry_local.deploy_files.findings import Notes, is_secret_name
from logferry_local.deploy_files.nodes import Node
from logferry_local.deploy_files.rules_code import PLACES

__all__ = ["check"]

# What one cloud needs of the other's, and each has by itself.
_OF_ONE_CLOUD = ("AWS_", "SLS_", "ALIBABA_CLOUD_", "LOGFERRY_" + "KMS_")
_LONGEST = 900  # seconds that Lambda lets a call work; Function Compute's may have more


def check(fc: list[Deployed], aws: list[Deployed], notes: tuple[Notes, Notes]) -> None:
    """Note in `s.yaml`'s and `template.yaml`'s notes what one has and the other has not, or otherwise."""
    others = {one.name: one for one in aws}
    for one in fc:
        other = others.get(one.name)
        if other is None:
            continue
        _missing(one, other, notes[1])
        _missing(other, one, notes[0])
        _number(one.timeout, other.timeout, "timeout", notes[0])
        _number(one.memory, other.memory, "memory", notes[0])
        for name, node in one.variables.items():
            _value(name, node, other.variables.get(name), notes[0])


def _missing(one: Deployed, other: Deployed, notes: Notes) -> None:
    """Names that `one` has and `other`, whose notes these are, has not."""
    for name, node in one.variables.items():
        if name in other.variables or name.startswith(_OF_ONE_CLOUD) or other.is_open:
            continue
        place = other.environment or other.node
        file = "s.yaml" if one.cloud == "fc" else "template.yaml"
        fix = f"Add {name}, or take it out of line {node.line} of {file}."
        what = (place.under(name), "missing")
        notes.add(place.line, place.column, what, f"{name}, which {one.name} has in {file}", fix)


def _number(here: Node | None, there: Node | None, what: str, notes: Notes) -> None:
    if here is None or there is None or not isinstance(here.value, int) or not isinstance(there.value, int):
        return
    is_longest = what == "timeout" and there.value == _LONGEST < here.value
    if here.value != there.value and not is_longest:
        expected = f"{there.value}, the {what} in template.yaml (line {there.line})"
        notes.at(here, expected, f"Write {there.value} here or {here.value} there.")


def _value(name: str, here: Node, there: Node | None, notes: Notes) -> None:
    """Settings of logferry itself mean the same everywhere; places and secrets are each cloud's own."""
    if there is None or not name.startswith("LOGFERRY_") or name in PLACES or is_secret_name(name):
        return
    if isinstance(here.value, str) and isinstance(there.value, str) and here.value != there.value:
        expected = f"{there.text!r}, as in template.yaml (line {there.line})"
        notes.at(here, expected, "Write the same value in both files.")
