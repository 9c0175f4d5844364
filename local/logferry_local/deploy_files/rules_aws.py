"""What only `template.yaml` can have wrong, beyond its outer keys: functions, layers, and what rings them."""

from logferry_local.deploy_files import rules_bells, sam
from logferry_local.deploy_files.code import Code
from logferry_local.deploy_files.deployed import Deployed, substituted
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.fit import fit, nearest
from logferry_local.deploy_files.nodes import Node, mapping, text_of

__all__ = ["check"]


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
    rules_bells.check(root, found, code, notes)


def _layer(properties: Node, code: Code, notes: Notes) -> None:
    content = properties.get("ContentUri")
    built = [f"dist/{name}.zip" for name in code.packages if name.startswith("layer-")]
    if content is not None and isinstance(content.value, str) and content.value not in built:
        near = nearest(content.value, built)
        notes.at(content, near or f"one of {', '.join(built)}", f"Write {near}." if near else "Name a built layer.")
