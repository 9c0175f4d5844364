"""What only `template.yaml` can have wrong, beyond its outer keys: functions, layers, and what rings them."""

import re

from logferry_local.deploy_files import rules_bells, sam
from logferry_local.deploy_files.code import Code
from logferry_local.deploy_files.deployed import Deployed, substituted
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import fit, nearest
from logferry_local.deploy_files.nodes import Node, mapping, text_of

__all__ = ["check"]

_ROLE = "arn:aws:iam::ACCOUNT:role/NAME"
_LAYER = "arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION"
_FORMS = {
    _ROLE: r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+",
    _LAYER: r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+",
}


def check(root: Node, found: list[Deployed], code: Code, notes: Notes) -> None:
    """Every function and layer of the template."""
    resources = mapping(root.get("Resources"))
    for resource in resources.values():
        kind, properties = text_of(resource.get("Type")), resource.get("Properties")
        if kind == sam.FUNCTION and properties is not None:
            fit(properties, sam.FunctionProperties, notes)
        elif kind == sam.LAYER and properties is not None:
            fit(properties, sam.LayerProperties, notes)
            _layer(properties, code, notes)
    names: dict[str, Node] = {}
    for one in found:
        name = one.node.get("FunctionName")
        text = substituted(name)
        if name is not None and text is not None and names.setdefault(text, name) is not name:
            fix = f"Give it another name: line {names[text].line} has this one."
            notes.at(name, "a name that no other function has", fix)
        _names(one, notes)
        _architecture(root, one, notes)
    rules_bells.check(root, found, code, notes)


def _names(one: Deployed, notes: Notes) -> None:
    """Forms of what is named from outside the stack."""
    role = one.node.get("Role")
    layers = [node for _, node in one.layers or ()]
    for node, form in [(role, _ROLE), *((layer, _LAYER) for layer in layers)]:
        if node is not None and isinstance(node.value, str) and not re.fullmatch(_FORMS[form], node.value):
            notes.at(node, form, f"Write it as {form}, or refer to a resource of this template.")


def _architecture(root: Node, one: Deployed, notes: Notes) -> None:
    """Wheels and bytecode are built for one."""
    found = one.node.get("Architectures") or root.get("Globals", "Function", "Architectures")
    for node in found.value if found is not None and isinstance(found.value, list) else []:
        if node.value == "arm64":
            notes.at(node, "x86_64, which the packages are built for", "Write x86_64.")


def _layer(properties: Node, code: Code, notes: Notes) -> None:
    content = properties.get("ContentUri")
    built = [f"dist/{name}.zip" for name in code.packages if name.startswith("layer-")]
    if content is not None and isinstance(content.value, str) and content.value not in built:
        near = nearest(content.value, built)
        notes.at(content, near or f"one of {', '.join(built)}", f"Write {near}." if near else "Name a built layer.")
