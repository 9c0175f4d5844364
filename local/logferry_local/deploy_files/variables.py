"""`${…}` of `s.yaml` in the tree: a value that is one variable becomes that variable's, at the variable's own place.

What the deploying shell gives (`env`) is not known; the account (`config`) is the same everywhere in the file.
"""

import difflib
import re
from dataclasses import replace

from logferry_local.deploy_files.expressions import EXPECTED, EXPRESSION, meaning
from logferry_local.deploy_files.findings import Notes, may_be_secret
from logferry_local.deploy_files.nodes import Node, Unknown, Value, mapping

__all__ = ["ACCOUNT", "unfold"]

ACCOUNT = "ACCOUNT"  # stands for the deploying account's id, whichever it is


def unfold(root: Node, text: str, notes: Notes) -> Node:
    """The tree with its variables in place; unknown ones, cycles and variables that nothing uses are noted.

    A variable that the text names in a comment is there to be commented in.
    """
    unfolding = _Unfolding(mapping(root.get("vars")), notes)
    if not isinstance(root.value, dict):
        return unfolding.node(root, ())
    rest = {name: unfolding.node(node, ()) for name, node in root.value.items() if name != "vars"}
    held = root.get("vars")
    if held is None:
        return replace(root, value=rest)
    inner = replace(held, value={name: unfolding.node(node, (name,)) for name, node in mapping(held).items()})
    for name in mapping(held):
        if name not in unfolding.used and not re.search(rf"#.*\$\{{vars\.{re.escape(name)}\}}", text):
            expected = f"${{vars.{name}}} somewhere in the file"
            notes.key(held, name, expected, "Take it out, or use it where it is meant.", value="used by nothing")
    return replace(root, value={"vars": inner if isinstance(held.value, dict) else held, **rest})


class _Unfolding:
    """One file."""

    def __init__(self, variables: dict[str, Node], notes: Notes) -> None:
        self._variables, self._notes = variables, notes
        self.used: set[str] = set()

    def node(self, found: Node, inside: tuple[str, ...]) -> Node:
        """`inside`: the variables that led here."""
        if isinstance(found.value, dict):
            return replace(found, value={name: self.node(item, inside) for name, item in found.value.items()})
        if isinstance(found.value, list):
            return replace(found, value=[self.node(item, inside) for item in found.value])
        if not isinstance(found.value, str) or "${" not in found.value:
            return found
        whole = EXPRESSION.fullmatch(found.value)
        if whole:
            return self._whole(found, whole[1], inside)
        parts = [self._value(found, expression, inside).value for expression in EXPRESSION.findall(found.value)]
        if any(isinstance(part, Unknown | dict | list) for part in parts):
            return replace(found, value=Unknown("env"))
        rest = iter(parts)
        return replace(found, value=EXPRESSION.sub(lambda _: str(next(rest)), found.value))

    def _whole(self, found: Node, expression: str, inside: tuple[str, ...]) -> Node:
        """The variable's node itself, so that a mistake is told where it is written."""
        made = self._value(found, expression, inside)
        if meaning(expression).kind != "vars" or made.path == found.path:
            return replace(found, value=made.value)
        return replace(made, is_hidden=True) if may_be_secret(replace(found, text="")) else made

    def _value(self, found: Node, expression: str, inside: tuple[str, ...]) -> Node:
        meant = meaning(expression)
        if meant.kind == "vars" and meant.name in self._variables:
            self.used.add(meant.name)
            if meant.name not in inside:
                return self.node(self._variables[meant.name], (*inside, meant.name))
            self._notes.at(found, "a variable that does not lead back to itself", "Write the value out.")
        elif meant.kind == "vars":
            near = difflib.get_close_matches(meant.name[:60], self._variables, n=1)
            self.used.update(near)  # it is misspelt, not unused
            fix = f"Write ${{vars.{near[0]}}}." if near else f"Add {meant.name[:60]} to vars."
            self._notes.at(found, f"one of {', '.join(self._variables) or 'vars, which is empty'}", fix)
        elif not meant.kind:
            self._notes.at(found, EXPECTED, "Write one of these between ${ and }.")
        value: Value = ACCOUNT if meant.kind == "account" else Unknown("env")
        return replace(found, value=value)
