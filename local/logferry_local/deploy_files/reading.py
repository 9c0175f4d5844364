"""A deploy file's text -> its tree, with the mistakes of the YAML itself: keys twice, merges of nothing, tags."""

import difflib
from pathlib import Path

import yaml

from logferry.errors import ConfigError
from logferry_local.deploy_files import yaml_mistakes
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.nodes import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, Unknown, Value

__all__ = ["INTRINSICS", "read", "tree"]

INTRINSICS = (
    "And", "Base64", "Cidr", "Condition", "Equals", "FindInMap", "ForEach", "GetAZs", "GetAtt", "If", "ImportValue",
    "Join", "Length", "Not", "Or", "Ref", "Select", "Split", "Sub", "ToJsonString", "Transform",
)  # fmt: skip
_LONG = {name if name in ("Ref", "Condition") else f"Fn::{name}": name for name in INTRINSICS}
_TAG = "tag:yaml.org,2002:"
_WORDS = ("bool", "null", "int", "float")


class _TooMuchError(Exception):
    """Unfolding stops here."""


def read(path: Path) -> str:
    """The file's text; ConfigError if it cannot be had."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ConfigError([f"more than {MAX_BYTES} bytes"], subject=str(path))
        return body.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"cannot be read ({error.strerror})"], subject=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"byte {error.start} is not UTF-8 text"], subject=str(path)) from None


def tree(text: str, notes: Notes, *, intrinsics: bool = False) -> Node | None:
    """The tree; None, and the reason noted, if the text is no YAML. `intrinsics`: CloudFormation's functions."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        if root is None:
            notes.add(1, 1, ("", "nothing"), "a deploy file", "Write the file, it is empty.")
            return None
        return _Unfolding(notes, intrinsics=intrinsics).node(root, "", 0)
    except yaml.MarkedYAMLError as error:
        yaml_mistakes.tell(error, text, notes)
    except yaml.YAMLError:
        notes.add(1, 1, ("", "an unprintable character"), "printable text", "Take the control character out.")
    except RecursionError:
        notes.add(1, 1, ("", "nested too deeply"), f"at most {MAX_DEPTH} levels", "Nest the values less deeply.")
    except _TooMuchError as error:
        notes.add(1, 1, ("", str(error)), f"at most {MAX_NODES} values, {MAX_DEPTH} levels", "Use fewer aliases.")
    return None


class _Unfolding:
    """One file being unfolded."""

    def __init__(self, notes: Notes, *, intrinsics: bool) -> None:
        self._notes, self._intrinsics = notes, intrinsics
        self._count = 0
        self._paths: dict[int, str] = {}  # of a YAML node: where it is written
        self._origins: dict[int, Node] = {}  # of a YAML mapping: what is merged into it

    def node(self, found: yaml.Node, path: str, depth: int) -> Node:
        """The same with its places."""
        self._count += 1
        if depth > MAX_DEPTH:
            raise _TooMuchError("nested too deeply")
        if self._count > MAX_NODES:
            raise _TooMuchError("too many values")
        path = self._paths.setdefault(id(found), path)
        keys: dict[str, tuple[int, int]] = {}
        value: Value
        tag = found.tag
        if tag.startswith("!"):
            value = self._tagged(found, path, depth)
        elif isinstance(found, yaml.MappingNode):
            value = self._mapping(found, path, depth, keys)
        elif isinstance(found, yaml.SequenceNode):
            value = [self.node(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(found.value)]
        else:
            value = _scalar(found)
        if self._intrinsics and isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _LONG:
            ((name, argument),) = value.items()
            value = Unknown(_LONG[name], argument)
        text = found.value if isinstance(found, yaml.ScalarNode) else ""
        if isinstance(value, Unknown):
            text = f"!{value.name} {text}".rstrip()
        line, column = _place(found)
        plain = isinstance(found, yaml.ScalarNode) and found.style is None
        return Node(value, path, line, column, text, plain, keys, self._origins.get(id(found)))

    def _tagged(self, found: yaml.Node, path: str, depth: int) -> Value:
        name = found.tag.removeprefix("!")
        known = INTRINSICS if self._intrinsics else ()
        line, column = _place(found)
        if name not in known:
            near = difflib.get_close_matches(name[:40], known, n=1)
            expected = f"one of !{', !'.join(INTRINSICS)}" if known else "a value without a tag"
            fix = f"Write !{near[0]}." if near else "Put text that starts with ! in quotes."
            self._notes.add(line, column, (path, f"!{name}" if near else "an unknown tag"), expected, fix)
        inner: Value
        if isinstance(found, yaml.SequenceNode):
            inner = [self.node(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(found.value)]
        elif isinstance(found, yaml.MappingNode):
            inner = self._mapping(found, path, depth, {})
        else:
            inner = str(found.value)
        return Unknown(name if name in known else "", Node(inner, path, line, column, str(inner)))

    def _mapping(
        self, found: yaml.MappingNode, path: str, depth: int, keys: dict[str, tuple[int, int]]
    ) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, tuple[Node, tuple[int, int]]] = {}
        for key, value in found.value:
            line, column = _place(key)
            if not isinstance(key, yaml.ScalarNode):
                self._notes.add(
                    line, column, (path, "a list or mapping as a key"), "text", "Write text before the colon."
                )
                continue
            name = str(key.value)
            inside = f"{path}.{name}" if path else name
            if key.tag == f"{_TAG}merge":
                self._merge(found, value, (inside, depth), merged)
            elif name in own:
                what, expected = (inside, "there twice"), "each key once in a mapping"
                fix = f"Keep one of the two: line {keys[name][0]} says it too."
                self._notes.add(line, column, what, expected, fix)
            else:
                keys[name] = (line, column)
                own[name] = self.node(value, inside, depth + 1)
        keys.update({name: place for name, (_, place) in merged.items() if name not in own})
        return {**{name: node for name, (node, _) in merged.items()}, **own}

    def _merge(
        self, into: yaml.Node, value: yaml.Node, where: tuple[str, int], merged: dict[str, tuple[Node, tuple[int, int]]]
    ) -> None:
        """What `<<` brings in; of several the first that has a key wins."""
        path, depth = where
        for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(part, yaml.MappingNode):
                expected, fix = "an alias of a mapping", "Write `<<: *NAME` with the name of a mapping's anchor."
                self._notes.add(*_place(part), (path, "not a mapping"), expected, fix)
                continue
            node = self.node(part, path, depth + 1)
            self._origins.setdefault(id(into), node)
            for name, item in node.value.items() if isinstance(node.value, dict) else ():
                merged.setdefault(name, (item, node.keys[name]))


def _scalar(found: yaml.Node) -> Value:
    """Its value; what YAML takes for a date, or a number out of bounds, is text here and told where it does not fit."""
    kind = found.tag.removeprefix(_TAG)
    text = str(found.value)
    if kind not in _WORDS or len(text) > 40:
        return text
    try:
        value = yaml.SafeLoader("").construct_object(found)
    except (ValueError, OverflowError, yaml.YAMLError):
        return text
    return value if value is None or isinstance(value, bool | int | float) else text


def _place(found: yaml.Node) -> tuple[int, int]:
    return found.start_mark.line + 1, found.start_mark.column + 1
