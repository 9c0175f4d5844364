"""The environment that a function is given, against what its code reads of it.

What is known only at the deployment is taken for right. Limits: 4 KB in all (Function Compute and Lambda), names of
letters, digits and _ that start with a letter, none that the platform keeps for itself.
"""

import difflib
import re

from logferry import registry
from logferry.errors import ConfigError
from logferry_local.deploy_files.code import App, Code
from logferry_local.deploy_files.deployed import Deployed, substituted
from logferry_local.deploy_files.findings import HIDDEN, Notes, is_reference, is_secret_name
from logferry_local.deploy_files.fit import nearest
from logferry_local.deploy_files.nodes import Node, Unknown, mapping
from logferry_local.deploy_files.rules_code import PLACES, place_kind
from logferry_local.deploy_files.settings import wrong

__all__ = ["FOREIGN_KEYS", "check"]

MAX_BYTES = 4096
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEPT = {
    "fc": re.compile(r"FC_.*"),
    "aws": re.compile(
        r"_.*|AWS_(?:LAMBDA_.*|REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY"
        r"|SESSION_TOKEN)|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
    ),
}
# Each cloud gives its own key by a role; the other cloud's key is given by name. Without it nothing is read or kept.
FOREIGN_KEYS = {"fc": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "aws": ("SLS_AK_ID", "SLS_AK_KEY")}
_AWS_KINDS = ("dynamodb", "s3")
_OWN = ("LOGFERRY_", "SLS_")
_LOCAL_KINDS = ("sqlite", "memory", "folder")  # only one machine sees them
_SHARED = {
    "fc": {"state": "tablestore:INSTANCE/TABLE?region=REGION", "objects": "oss:BUCKET/PREFIX?region=REGION"},
    "aws": {"state": "dynamodb:TABLE?region=REGION", "objects": "s3:BUCKET/PREFIX?region=REGION"},
}
_STORES = {"fc": "secret://kms/NAME", "aws": "secret://aws/secretsmanager/NAME"}
_REFERENCE = re.compile(r"secret://([^/\s,]*)/?([^\s,]*)")


def check(one: Deployed, code: Code, notes: Notes) -> None:
    """One function's environment."""
    app = code.apps.get(one.name)
    meant = set[str]()  # names whose misspelling is told already
    for name, node in one.variables.items():
        meant.add(_name(one, name, code, notes))
        _secret(one, name, node, notes)
        _references(one, node, notes)
        if name in PLACES:
            _place(one, node, PLACES[name], notes)
    size = sum(len(name.encode()) + len((substituted(node) or "").encode()) for name, node in one.variables.items())
    if size > MAX_BYTES and one.environment is not None:
        fix = "Move long values into a secret store or the task files."
        notes.at(one.environment, f"at most {MAX_BYTES} bytes of names and values", fix, value=f"{size} bytes")
    if app is not None and not one.is_open:
        _missing(one, app, meant, notes)
    if app is not None:
        wrong(one, app, notes)


def _name(one: Deployed, name: str, code: Code, notes: Notes) -> str:
    """What is probably meant, if the name is not right."""
    place = _holder(one, name)
    if not _NAME.fullmatch(name):
        notes.key(place, name, "a letter, then letters, digits and _", "Rename it.")
    elif _KEPT[one.cloud].fullmatch(name):
        notes.key(
            place, name, "a name that the platform does not keep for itself", "Take it out: the platform sets it."
        )
    elif name not in code.names:
        return _unknown(name, place, (sorted(code.names - one.variables.keys()), sorted(code.names)), notes)
    return ""


def _unknown(name: str, place: Node, names: tuple[list[str], list[str]], notes: Notes) -> str:
    """`names`: those that the code reads and this environment has not, and all that it reads."""
    prefix = next((one for one in _OWN if name.startswith(one)), None)
    if prefix is None:
        near = next(iter(difflib.get_close_matches(name, names[0], n=1, cutoff=0.87)), "")
        if near:  # else it is a name of the user's own
            notes.key(place, name, near, f"Write {near}.")
        return near
    rests = {known.removeprefix(prefix): known for known in reversed(names[0] + names[1]) if known.startswith(_OWN)}
    near = rests.get(nearest(name.removeprefix(prefix), list(rests)), "")
    known = ", ".join(one for one in names[1] if one.startswith(_OWN))
    notes.key(place, name, near or f"one of {known}", f"Write {near}." if near else "Take it out: no code reads it.")
    return near


def _secret(one: Deployed, name: str, node: Node, notes: Notes) -> None:
    """A key or token is named, never written."""
    if not is_secret_name(name) or node.value in ("", None):
        return
    text = substituted(node)
    if text is None:
        if isinstance(node.value, Unknown) and node.value.name == "env" and not is_reference(node.text):
            expected = "no default, which would be the secret"
            notes.at(node, expected, f"Write ${{env('{name}', '')}}.", value=HIDDEN)
        return
    if not is_reference(re.sub(r"\$\{[^}]*\}", "x", text)):
        fix = f"Put it into a secret store and write {_STORES[one.cloud]}#{name}."
        notes.at(node, "a reference to a secret, secret://KIND/NAME", fix, value=HIDDEN)


def _references(one: Deployed, node: Node, notes: Notes) -> None:
    for kind, rest in _REFERENCE.findall(substituted(node) or ""):
        known = registry.names("secret_stores")
        if kind not in known:
            near = nearest(kind, known)
            fix = f"Write secret://{near}/." if near else f"Write one of {', '.join(known)} behind secret://."
            notes.at(node, f"secret://KIND/NAME, KIND one of {', '.join(known)}", fix)
        elif kind == "env" and rest not in one.variables:
            near = nearest(rest, list(one.variables))
            fix = f"Write secret://env/{near}, or add {rest} to the environment." if near else f"Add {rest} here."
            notes.at(node, "a variable of the same environment", fix)


def _place(one: Deployed, node: Node, room: str, notes: Notes) -> None:
    text = substituted(node)
    if not text:
        return  # empty: told as missing where the code needs it
    kind = place_kind(node)
    if kind in _LOCAL_KINDS:
        notes.at(node, "a place that all instances share", f"Write {_SHARED[one.cloud][room]}.")
        return
    try:
        registry.locate(room, re.sub(r"\$\{[^}]*\}", "x", text))
    except ConfigError as error:
        forms = [registry.find(room, name).FORM for name in registry.names(room) if name not in _LOCAL_KINDS]
        near = nearest(kind, registry.names(room))
        fix = f"Write {near}: at its beginning." if near and near != kind else f"Mend it: {error.problems[0][:200]}."
        notes.at(node, " or ".join(forms), fix)


def _missing(one: Deployed, app: App, meant: set[str], notes: Notes) -> None:
    places = _SHARED[one.cloud]
    needed = {name: f"Add {name}: {places[PLACES[name]]}." for name in sorted(app.shared) if name in PLACES}
    kinds = {place_kind(one.variables.get(name)) for name in PLACES if name in app.names}
    is_foreign = "SLS_AK_ID" in app.names if one.cloud == "aws" else bool(kinds & {*_AWS_KINDS})
    if is_foreign:
        needed |= {name: f"Add {name}, as a reference to a secret." for name in FOREIGN_KEYS[one.cloud]}
    for name, fix in needed.items():
        node = one.variables.get(name)
        if name not in meant and (node is None or node.value in ("", None)):
            place = one.environment or one.node
            line, column = (node.line, node.column) if node else (place.line, place.column)
            what = (node.path if node else place.under(name), "empty" if node else "missing")
            notes.add(line, column, what, f"{name}, which the code reads", fix)


def _holder(one: Deployed, name: str) -> Node:
    """The mapping in which the name stands: the function's own, or the one of all."""
    own = one.environment or one.node
    node = one.variables[name]
    if name in mapping(own):
        return own
    parent = node.path.rpartition(".")[0]
    return Node({name: node}, parent, node.line, node.column)
