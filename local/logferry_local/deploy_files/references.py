"""Names that a template's functions refer to: `!Ref`, `!GetAtt`, `${…}` of `!Sub`, conditions."""

import re
from collections.abc import Iterator

from logferry_local.deploy_files.findings import Notes, may_be_secret
from logferry_local.deploy_files.fit import nearest
from logferry_local.deploy_files.nodes import Node, Unknown, mapping, text_of

__all__ = ["check"]

_PSEUDO = (
    "AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
    "AWS::StackName", "AWS::URLSuffix",
)  # fmt: skip
_SUB = re.compile(r"\$\{(?!!)([^}]*)\}")


def check(root: Node, notes: Notes) -> None:
    """Note names that the template does not have, and parameters that nothing uses."""
    parameters, resources = mapping(root.get("Parameters")), mapping(root.get("Resources"))
    conditions = mapping(root.get("Conditions"))
    known = [*parameters, *resources, *_PSEUDO]
    used = set[str]()
    for node, function, argument in _calls(root):
        for name in _names(function, argument):
            used.add(name)
            # SAM adds resources of its own, named after ours: ReceiveFunctionUrl, PostsApiGatewayDefaultStage.
            is_made = any(name.startswith(one) for one in resources)
            if name not in known and not (is_made and function != "GetAtt") and not (is_made and len(name) > 8):
                near = nearest(name, known)
                missing = "what it names" if may_be_secret(node) else name[:60]
                fix = f"Write {near}." if near else f"Add {missing} to the parameters or resources."
                notes.at(node, near or "a parameter or resource of this template", fix)
        if function == "If" and isinstance(argument.value, list) and argument.value:
            _condition(argument.value[0], conditions, notes)
    for part in ("Resources", "Outputs"):
        for item in mapping(root.get(part)).values():
            condition = item.get("Condition")
            if condition is not None:
                _condition(condition, conditions, notes)
    for name in parameters:
        holder = root.get("Parameters")
        if name not in used and holder is not None:
            notes.key(holder, name, f"!Ref {name} somewhere in the template", "Take it out, or use it.")


def _condition(node: Node, conditions: dict[str, Node], notes: Notes) -> None:
    name = text_of(node)
    if name is not None and name not in conditions:
        near = nearest(name, list(conditions))
        notes.at(node, near or "one of Conditions", f"Write {near}." if near else "Add it to Conditions.")


def _calls(node: Node) -> Iterator[tuple[Node, str, Node]]:
    """Each function with its argument, wherever it stands."""
    value = node.value
    if isinstance(value, Unknown) and value.argument is not None:
        yield node, value.name, value.argument
        yield from _calls(value.argument)
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _calls(child)


def _names(function: str, argument: Node) -> Iterator[str]:
    first = argument.value[0] if isinstance(argument.value, list) and argument.value else argument
    text = text_of(first)
    if text is None:
        return
    if function in ("Ref", "GetAtt"):
        yield text.partition(".")[0] if function == "GetAtt" else text
    elif function == "Sub":
        own = mapping(argument.value[1]) if isinstance(argument.value, list) and len(argument.value) > 1 else {}
        yield from (
            name.partition(".")[0]
            for found in _SUB.findall(text)
            if (name := found.strip()).partition(".")[0] not in own
        )
