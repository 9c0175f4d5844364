"""Both deploy files -> all their mistakes, in order. Nothing is sent anywhere; what is read is the checkout.

A file that is no YAML is told as such, and the other one is still looked at.
"""

from collections.abc import Mapping
from pathlib import Path

from logferry_local.deploy_files import (
    arns,
    fc3,
    reading,
    references,
    rules_aws,
    rules_between,
    rules_code,
    rules_environment,
    rules_fc,
    rules_secrets,
    sam,
    variables,
)  # fmt: skip
from logferry_local.deploy_files.code import Code, code_of
from logferry_local.deploy_files.deployed import Cloud, Deployed, aws_functions, fc_functions
from logferry_local.deploy_files.findings import Finding, Notes
from logferry_local.deploy_files.fit import fit
from logferry_local.deploy_files.nodes import Node

__all__ = ["check", "check_texts"]


def check(root: Path, files: Mapping[Cloud, Path]) -> list[Finding]:
    """The mistakes of these files against each other and the checkout `root`; ConfigError if one cannot be read."""
    return check_texts(root, {cloud: (str(path), reading.read(path)) for cloud, path in files.items()})


def check_texts(root: Path, texts: Mapping[Cloud, tuple[str, str]]) -> list[Finding]:
    """The same of texts, each with the name that the findings give its file."""
    code = code_of(root)
    found: dict[Cloud, list[Deployed]] = {}
    notes: dict[Cloud, Notes] = {}
    for cloud, (name, text) in texts.items():
        notes[cloud] = Notes(name)
        found[cloud] = (_fc if cloud == "fc" else _aws)(text, code, notes[cloud])
    if found.get("fc") and found.get("aws"):
        rules_between.check(found["fc"], found["aws"], (notes["fc"], notes["aws"]))
    return sorted({finding for told in notes.values() for finding in told})


def _fc(text: str, code: Code, notes: Notes) -> list[Deployed]:
    written = reading.tree(text, notes)
    if written is None:
        return []
    root = variables.unfold(written, text, notes)
    fit(root, fc3.Document, notes)
    found = fc_functions(root)
    _functions(root.get("resources"), found, code, notes)
    rules_fc.check(found, code, notes)
    arns.check(root, notes)
    rules_secrets.check(root, notes)
    return found


def _aws(text: str, code: Code, notes: Notes) -> list[Deployed]:
    root = reading.tree(text, notes, intrinsics=True)
    if root is None:
        return []
    fit(root, sam.Template, notes)
    found = aws_functions(root)
    _functions(root.get("Resources"), found, code, notes)
    rules_aws.check(root, found, code, notes)
    references.check(root, notes)
    rules_secrets.check(root, notes)
    return found


def _functions(resources: Node | None, found: list[Deployed], code: Code, notes: Notes) -> None:
    rules_code.check_names(resources, found, code, notes)
    for one in found:
        rules_code.check(one, code, notes)
        rules_environment.check(one, code, notes)
