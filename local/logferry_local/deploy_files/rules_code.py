"""Deployed functions against the code: what is packaged for them, what they call, what their code needs beside it."""

import re
from collections.abc import Sequence

from logferry_local import packaging
from logferry_local.deploy_files.code import App, Code
from logferry_local.deploy_files.deployed import Deployed, folder, substituted
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import nearest
from logferry_local.deploy_files.nodes import Node, mapping, text_of
from logferry_local.packaging import slim

__all__ = ["PLACES", "check", "check_names", "place_kind"]

PLACES = {"LOGFERRY_STATE": "state", "LOGFERRY_OBJECTS": "objects", "LOGFERRY_TASKS": "objects"}  # name -> room
# Brought by the runtime itself; a layer beside it would be a second copy.
_GIVEN = {"aws": frozenset({"aws"}), "fc": frozenset[str]()}
# Metrics: each runtime writes them with what it has, and does without where the layer is missing.
_OPTIONAL = frozenset({"powertools", "codecs"})


def check_names(resources: Node | None, found: Sequence[Deployed], code: Code, notes: Notes) -> None:
    """Every function of functions/ is deployed, and none besides."""
    if resources is None:
        return
    there = {name for key in mapping(resources) for name in (key, folder(key))}
    meant = set[str]()  # missing functions whose misspelling is told already
    for key in mapping(resources):
        name = next((one.name for one in found if one.name in (key, folder(key))), None)
        if name is not None and name not in code.apps:
            near = nearest(name, sorted(code.apps.keys() - there)) or nearest(name, sorted(code.apps))
            meant.add(near)
            fix = f"Name it after functions/{near}." if near else "Take it out, or add its folder below functions/."
            notes.key(resources, key, f"a function of {', '.join(code.apps)}", fix)
    for name in sorted(code.apps.keys() - there - meant):
        fix = f"Add the function of functions/{name}, or delete that folder."
        place = (resources.line, resources.column)
        notes.add(*place, (resources.under(name), "missing"), f"functions/{name} among the functions", fix)


def check(one: Deployed, code: Code, notes: Notes) -> None:
    """What one function names of our code is there, and what its code needs is named."""
    app = code.apps.get(one.name)
    wanted = f"python{packaging.TARGET}"
    if one.runtime is not None and isinstance(one.runtime.value, str) and one.runtime.value != wanted:
        notes.at(one.runtime, f"{wanted}, which the packages are built for", f"Write {wanted}.")
    if app is None:
        return
    for node, kind in ((one.handler, "handler"), (one.initializer, "initializer")):
        _function(node, kind, app, notes)
    _zip(one, notes)
    _layers(one, app, code, notes)


def place_kind(node: Node | None) -> str:
    """The kind of a place such as `dynamodb:TABLE`; empty if there is none."""
    found = re.match(r"([a-z0-9_]+):", substituted(node) or "")
    return found[1] if found else ""


def _function(node: Node | None, kind: str, app: App, notes: Notes) -> None:
    text = text_of(node)
    if node is None or text is None or text.count(".") != 1:
        return
    file, _, name = text.partition(".")
    place = f"functions/{app.name}/app.py"
    if file != "app":
        notes.at(node, f"a function of {place}", f"Write app.{name if name in app.defined else 'handler'}.")
    elif name not in app.defined:
        near = nearest(name, sorted(app.defined)) or ("handler" if kind == "handler" else "initialize")
        notes.at(node, f"one of {', '.join(f'app.{one}' for one in sorted(app.defined))}", f"Write app.{near}.")


def _zip(one: Deployed, notes: Notes) -> None:
    wanted = f"dist/function-{one.name}.zip"
    if one.code is not None and isinstance(one.code.value, str) and one.code.value.removeprefix("./") != wanted:
        notes.at(one.code, f"{wanted}, which make package builds", f"Write {wanted}.")


def _layers(one: Deployed, app: App, code: Code, notes: Notes) -> None:
    if one.layers is None:
        return
    built = [name.removeprefix("layer-") for name in code.packages if name.startswith("layer-")]
    seen = set[str]()
    for name, node in one.layers:
        if name is not None and name not in built and one.cloud == "aws":
            return  # told where the layer itself stands
        if name is not None and name not in built:
            near = nearest(name, built)
            fix = f"Write the layer {near}." if near else "Take it out: make package builds no such layer."
            notes.at(node, f"one of the layers {', '.join(built)}", fix)
            seen.add(near)
        elif name is not None and name in seen:
            notes.at(node, "each layer once", "Take the second one out.")
        seen.add(name or "")
    others = [node for name, node in one.layers if name is None and not isinstance(node.value, str)]
    if others:
        return  # known only at the deployment: it may be the one that is missing
    place = one.layers_at or one.node
    for name in sorted(_needed(one, app, code) - seen):
        what = (f"{one.node.path}.{'layers' if one.cloud == 'fc' else 'Layers'}", "missing")
        notes.add(place.line, place.column, what, f"the layer {name}, which the code imports", f"Add the layer {name}.")


def _needed(one: Deployed, app: App, code: Code) -> frozenset[str]:
    if one.name in slim.SELF_CONTAINED:
        return frozenset()  # its zip holds all of it
    modules = app.at_once
    for name, room in PLACES.items():
        kind = place_kind(one.variables.get(name))
        if name in app.names and kind:
            modules |= code.kind(room, kind)
    return code.layers_of(modules) - _GIVEN[one.cloud] - _OPTIONAL
