"""A function as a deploy file has it, the same for both clouds: what the rules about our code look at."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from logferry_local.deploy_files import sam
from logferry_local.deploy_files.nodes import Node, Unknown, mapping, text_of

__all__ = ["Cloud", "Deployed", "aws_functions", "fc_functions", "folder", "referred", "substituted"]

Cloud: TypeAlias = Literal["fc", "aws"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One function. What is None is not there; what stands in `Globals` counts as its own."""

    name: str  # of its folder below functions/
    cloud: Cloud
    node: Node  # the mapping of its settings
    runtime: Node | None
    handler: Node | None
    initializer: Node | None
    code: Node | None
    timeout: Node | None
    memory: Node | None
    environment: Node | None
    variables: dict[str, Node]
    layers: list[tuple[str | None, Node]] | None  # ours by name; None: another's, or known only at deployment
    layers_at: Node | None

    @property
    def is_open(self) -> bool:
        """Whether its environment, or a part of it, is known only at the deployment."""
        return self.environment is not None and isinstance(self.environment.value, Unknown)


def fc_functions(root: Node) -> list[Deployed]:
    """Those of `s.yaml`: a resource's name is the folder."""
    made = []
    for name, resource in mapping(root.get("resources")).items():
        props = resource.get("props")
        if props is None or not isinstance(props.value, dict):
            continue
        rows = props.get("layers")
        layers = rows.value if rows is not None and isinstance(rows.value, list) else []
        environment = props.get("environmentVariables")
        made.append(
            Deployed(
                name=name, cloud="fc", node=props, runtime=props.get("runtime"), handler=props.get("handler"),
                initializer=props.get("instanceLifecycleConfig", "initializer", "handler"), code=props.get("code"),
                timeout=props.get("timeout"), memory=props.get("memorySize"), environment=environment,
                variables=mapping(environment), layers=[(_fc_layer(layer), layer) for layer in layers],
                layers_at=rows,
            )
        )  # fmt: skip
    return made


def aws_functions(root: Node) -> list[Deployed]:
    """Those of the template: the folder is the logical id without `Function`, in lower case with underscores."""
    shared = root.get("Globals", "Function")
    resources = mapping(root.get("Resources"))
    made = []
    for name, resource in resources.items():
        own = resource.get("Properties")
        if text_of(resource.get("Type")) != sam.FUNCTION or own is None or not isinstance(own.value, dict):
            continue
        found = {**mapping(shared), **own.value}
        held = [part.get("Environment") for part in (shared, own) if part is not None]
        # `!If` may stand in place of the variables, or around them.
        both = [part.get("Variables") or part for part in held if part is not None]
        rows = [part.get("Layers") for part in (shared, own) if part is not None]
        known = all(row is None or isinstance(row.value, list) for row in rows)
        layers = [item for row in rows if row is not None and isinstance(row.value, list) for item in row.value]
        made.append(
            Deployed(
                name=folder(name), cloud="aws", node=own, runtime=found.get("Runtime"), handler=found.get("Handler"),
                initializer=None, code=found.get("CodeUri"), timeout=found.get("Timeout"),
                memory=found.get("MemorySize"), environment=_environment(both),
                variables={key: node for part in both for key, node in mapping(part).items()},
                layers=[(_aws_layer(layer, resources), layer) for layer in layers] if known else None,
                layers_at=found.get("Layers"),
            )
        )  # fmt: skip
    return made


def _environment(parts: list[Node]) -> Node | None:
    """The function's own, unless another one is not known yet."""
    unknown = [part for part in parts if isinstance(part.value, Unknown)]
    return next(iter([*unknown, *reversed(parts)]), None)


def folder(logical_id: str) -> str:
    """`ProveOwnershipFunction` -> `prove_ownership`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", logical_id.removesuffix("Function")).lower()


def referred(node: Node | None) -> str | None:
    """The name in `!Ref NAME` and `!GetAtt NAME.Attribute`; None if it is something else."""
    value = node.value if node is not None else None
    if not isinstance(value, Unknown) or value.name not in ("Ref", "GetAtt") or value.argument is None:
        return None
    found = value.argument
    if isinstance(found.value, list):
        found = found.value[0] if found.value else found
    text = text_of(found)
    return text.partition(".")[0] if text and value.name == "GetAtt" else text


def substituted(node: Node | None) -> str | None:
    """The text, and of `!Sub` the text with its `${…}`; None if it is something else."""
    value = node.value if node is not None else None
    if isinstance(value, Unknown) and value.name == "Sub" and value.argument is not None:
        inner = value.argument
        return text_of(inner.value[0]) if isinstance(inner.value, list) and inner.value else text_of(inner)
    return text_of(node)


def _fc_layer(node: Node) -> str | None:
    found = re.search(r":layers/logferry-([^/]+)/", text_of(node) or "")
    return found[1] if found else None


def _aws_layer(node: Node, resources: dict[str, Node]) -> str | None:
    layer = resources.get(referred(node) or "")
    content = text_of(layer.get("Properties", "ContentUri")) if layer is not None else None
    found = re.search(r"layer-([^/]+)\.zip$", content or "")
    return found[1] if found else None
