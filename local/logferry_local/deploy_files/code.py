"""What the functions' code says of itself, read from the checkout's source: no list here has to be kept.

An environment name is a text of the library that looks like one of ours or of the platforms'. What a function may run
is everything that its `app.py` imports, at once or later; kinds that a configuration names are not among it.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from logferry_local import packaging
from logferry_local.deploy_files.imports import Imports, imports_of

__all__ = ["App", "Code", "code_of"]

_NAME = re.compile(r"(?:LOGFERRY|SLS|ALIBABA_CLOUD|AWS|FC)_[A-Z0-9_]*[A-Z0-9]")
_LOCAL = re.compile(r"(?:sqlite|folder|memory):")  # what only one machine sees
# Requirements whose module has another name.
_MODULES = {
    "google-re2": "re2", "protobuf": "google", "python-dateutil": "dateutil", "python-snappy": "snappy",
    "pyyaml": "yaml",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One function's `app.py`."""

    name: str
    defined: frozenset[str]  # what a handler may be called
    is_web: bool  # it answers HTTP and knows itself who may call
    at_once: frozenset[str]  # modules, logferry's and others', that a cold start loads
    later: frozenset[str]  # and those that its code may load
    names: frozenset[str]  # environment names that the latter read
    shared: frozenset[str]  # of these: whose default is a place that only one machine sees


@dataclass(frozen=True, slots=True)
class Code:
    """The checkout."""

    root: Path
    apps: dict[str, App]
    names: frozenset[str]  # environment names that the library reads
    packages: tuple[str, ...]  # what `make package` builds
    layers: dict[str, str]  # module -> layer that brings it

    def layers_of(self, modules: frozenset[str]) -> frozenset[str]:
        """The layers that bring these modules."""
        return frozenset(self.layers[name] for name in modules if name in self.layers)

    def kind(self, room: str, name: str) -> frozenset[str]:
        """Every module that a kind of a room may load."""
        return _library(self.root).reached(frozenset((f"logferry.{room}.{name}",)), lazy=True)


@cache
def code_of(root: Path) -> Code:
    """What the checkout's code says; read once a process."""
    library = _library(root)
    names = {name: _names(tree) for name, tree in library.trees.items()}
    shared = {name: _shared(tree) for name, tree in library.trees.items()}
    apps = {path.parent.name: _app(path, library, names, shared) for path in sorted(root.glob("functions/*/app.py"))}
    every = frozenset[str]().union(*names.values())
    return Code(root, apps, every, tuple(packaging.names(root)), _layers(root))


@cache
def _library(root: Path) -> Imports:
    return imports_of(root / "layers/core/python")


def _app(path: Path, library: Imports, names: dict[str, frozenset[str]], shared: dict[str, frozenset[str]]) -> App:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    warmed = {
        item.value for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "initializer"
        for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }  # fmt: skip
    start = library.imported(tree, lazy=False) | warmed | {"logferry"}
    later = library.reached(frozenset(start), lazy=True)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} | {
        target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
        if isinstance(target, ast.Name)
    }  # fmt: skip
    return App(
        name=path.parent.name, defined=frozenset(defined),
        is_web=any(isinstance(node, ast.Call) and _called(node) == "web_entry" for node in ast.walk(tree)),
        at_once=library.reached(frozenset(start), lazy=False), later=later,
        names=frozenset[str]().union(*(names.get(name, frozenset()) for name in later)),
        shared=frozenset[str]().union(*(shared.get(name, frozenset()) for name in later)),
    )  # fmt: skip


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _names(tree: ast.Module) -> frozenset[str]:
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and _target(node) == "__all__"]
    public = {id(item) for found in lists for item in ast.walk(found)}
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in public)
    return frozenset(text for text in texts if isinstance(text, str) and _NAME.fullmatch(text))


def _target(node: ast.Assign) -> str:
    return getattr(node.targets[0], "id", "")


def _shared(tree: ast.Module) -> frozenset[str]:
    """Names read as `environ.get(NAME) or "sqlite:…"`."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.BoolOp):
            continue
        last = node.values[-1]
        if isinstance(last, ast.Constant) and isinstance(last.value, str) and _LOCAL.match(last.value):
            found |= {
                name.value for value in node.values[:-1] for name in ast.walk(value)
                if isinstance(name, ast.Constant) and isinstance(name.value, str) and _NAME.fullmatch(name.value)
            }  # fmt: skip
    return frozenset(found)


def _layers(root: Path) -> dict[str, str]:
    found = {"logferry": "core"}
    for path in sorted(root.glob("layers/*/requirements.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            name = re.match(r"[A-Za-z0-9._-]+", line)
            if name:
                low = name[0].lower()
                found[_MODULES.get(low, low.replace("-", "_"))] = path.parent.name
    return found
