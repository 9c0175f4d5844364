"""Keys and tokens that are written out anywhere in a file, and parameters that would keep one in the template.

Forms: access key ids of Alibaba Cloud (LTAI…) and AWS (AKIA…), PEM.
"""

import re
from collections.abc import Iterator

from logferry_local.deploy_files.findings import HIDDEN, Notes, is_secret_name
from logferry_local.deploy_files.nodes import Node, Unknown, mapping

__all__ = ["check"]

_FORM = re.compile(r"\bLTAI[A-Za-z0-9]{12,30}\b|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY")


def check(root: Node, notes: Notes) -> None:
    """The whole file."""
    for node in _scalars(root):
        if isinstance(node.value, str) and _FORM.search(node.value):
            fix = "Take it out, make a new key since this one has been written down, and refer to it as secret://KIND/NAME."
            notes.at(node, "no key in this file", fix, value=HIDDEN)
    for name, parameter in mapping(root.get("Parameters")).items():
        default = parameter.get("Default")
        if (
            default is None
            or default.value in ("", None)
            or not is_secret_name(name)
            or name.lower().endswith("secret")
        ):
            continue
        fix = "Take the default out and write NoEcho: true, or refer to a secret store."
        notes.at(default, "no default for what is a secret", fix, value=HIDDEN)


def _scalars(node: Node) -> Iterator[Node]:
    if isinstance(node.value, Unknown):
        yield from _scalars(node.value.argument) if node.value.argument else ()
        return
    children = (
        node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    )
    for child in children:
        yield from _scalars(child)
    yield node
