"""What a function's own zip and its layers come to, beside its budget and the platforms' limits.

Layers are those of the deploy files: `s.yaml` for Function Compute, `template.yaml` for Lambda.
Limits: Lambda unpacks 250 MB in all; a zip handed over directly is at most 50 MB.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from logferry_local.packaging import Package
from logferry_local.trigger_runner import descriptor

__all__ = ["BUDGETS", "EXTRAS", "Load", "largest", "loads", "over"]

# Bytes of a function's zip and its layers, as they are fetched before a cold start.
BUDGETS = {"forward": 8_000_000, "verify_request": 1_000_000}
EXTRAS = frozenset({"layer-aws", "layer-tablestore"})  # the state table's own client: beside the budget


class Load(NamedTuple):
    """What one cloud fetches for one function."""

    function: str
    cloud: str  # fc or aws
    layers: tuple[str, ...]  # layer-core, ...
    packed: int  # bytes, extras left out
    unpacked: int  # bytes, all

    @property
    def budget(self) -> int | None:
        """Bytes that `packed` may be; None if nobody said."""
        return BUDGETS.get(self.function)


def loads(root: Path, built: Sequence[Package]) -> list[Load]:
    """A row for each function and cloud all of whose zips were built (of the extras, those that were)."""
    zips = {package.name: package for package in built}
    found = []
    for cloud, layers_of in (("fc", _on_function_compute(root)), ("aws", _on_lambda(root))):
        for function, layers in sorted(layers_of.items()):
            names = [name for name in (f"function-{function}", *layers) if name not in EXTRAS or name in zips]
            if all(name in zips for name in names):
                packed = sum(zips[name].packed for name in names if name not in EXTRAS)
                found.append(Load(function, cloud, layers, packed, sum(zips[name].unpacked for name in names)))
    return found


def over(rows: Sequence[Load]) -> list[str]:
    """What is over its budget, in words."""
    return [
        f"{row.function} on {row.cloud}: {row.packed / 1e6:.2f} MB zipped is more than {row.budget / 1e6:g} MB"
        for row in rows
        if row.budget is not None and row.packed > row.budget
    ]


def largest(package: Package, most: int = 5) -> list[tuple[str, int]]:
    """The package's greatest parts, by what stands below python/ (for the library, below python/logferry/)."""
    parts: Counter[str] = Counter()
    for name, size in package.files.items():
        place = name.removeprefix("python/").removeprefix("logferry/")
        parts[place.partition("/")[0]] += size
    return parts.most_common(most)


def _on_function_compute(root: Path) -> dict[str, tuple[str, ...]]:
    """Function -> its layers, by the names under which docs/deploy.md publishes them."""
    functions = descriptor.read(root / "s.yaml", environ={})
    return {
        name: tuple(f"layer-{found[1]}" for arn in function.layers if (found := re.search(r"/logferry-(\w+)/", arn)))
        for name, function in functions.items()
    }


def _on_lambda(root: Path) -> dict[str, tuple[str, ...]]:
    document: Mapping[str, Any] = yaml.load((root / "template.yaml").read_text(), Loader=_Template)  # noqa: S506  # a SafeLoader
    resources = document["Resources"]
    zips = {name: Path(found["Properties"].get("ContentUri", "")).stem for name, found in resources.items()}
    shared = document.get("Globals", {}).get("Function", {}).get("Layers", [])
    functions = [found["Properties"] for found in resources.values() if found["Type"] == "AWS::Serverless::Function"]
    return {
        Path(props["CodeUri"]).stem.removeprefix("function-"): tuple(
            zips[name] for name in [*shared, *props.get("Layers", [])]
        )
        for props in functions
    }


class _Template(yaml.SafeLoader):
    """Reads a tag such as `!Ref NAME` as its plain value."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)  # there is no fourth kind
    return loader.construct_mapping(node, deep=True)


_Template.add_multi_constructor("!", _plain)
