"""A mapping with exactly one key, the kind: `{sls: {…}}` is the file `sls` of its room, with that file's options."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from logferry import config, registry
from logferry.config import Config
from logferry.errors import ConfigError
from logferry.expectations import kind_of

__all__ = ["Chosen", "check", "dump", "identity", "known", "options_of", "place", "schema"]


class Chosen(msgspec.Struct, frozen=True):
    """A kind and its checked options."""

    kind: str
    options: Config


def known(room: str) -> list[str]:
    """The kinds of a room that can be chosen: files that have options."""
    return [name for name in registry.names(room) if hasattr(registry.find(room, name), "Config")]


def check(room: str, data: object, path: str, found: list[str]) -> Chosen | None:
    """The choice; None, and every mistake added to `found`, if it is none. Values are not shown: one may be secret."""
    if not isinstance(data, Mapping) or len(data) != 1:
        what = f"a mapping of {len(data)} keys" if isinstance(data, Mapping) else kind_of(data)
        found.append(f"{path}: {what} is not a mapping of exactly one of {', '.join(known(room))}")
        return None
    ((kind, given),) = data.items()
    shape = _shape(room, kind)
    if shape is None:
        found.append(f"{path}.{kind}: unknown, expected one of {', '.join(known(room))}")
        return None
    here = f"{path}.{kind}"
    if not isinstance(given, Mapping):
        found.append(f"{here}: {kind_of(given)} is not a mapping of {', '.join(shape.__struct_encode_fields__)}")
        return None
    try:
        return Chosen(kind, config.load(shape, given, path=here))
    except ConfigError as error:
        found.extend(error.problems)
        return None


def options_of(value: Config) -> dict[str, object]:
    """Options as a document has them; what stands at its default is left out, so that an older release can read it."""
    written: dict[str, object] = {}
    for field in msgspec.structs.fields(value):
        mine = getattr(value, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if mine != default:
            written[field.encode_name] = options_of(mine) if isinstance(mine, Config) else _plain(mine)
    return written


def dump(chosen: Chosen) -> dict[str, dict[str, object]]:
    """The choice as a document has it."""
    return {chosen.kind: options_of(chosen.options)}


def identity(room: str, choice: Chosen | Mapping[str, Any]) -> dict[str, object]:
    """What a choice (also as written) and another must agree on to be read at once: `IDENTITY` of its file, or all."""
    return _named(room, choice, "IDENTITY")


def place(room: str, choice: Chosen | Mapping[str, Any]) -> dict[str, object]:
    """Which data a choice is about, by whatever way it gets there: `PLACE` of its file, or its identity."""
    kind = choice.kind if isinstance(choice, Chosen) else next(iter(choice))
    return _named(room, choice, "PLACE" if hasattr(registry.find(room, kind), "PLACE") else "IDENTITY")


def schema(room: str, definitions: dict[str, object]) -> dict[str, object]:
    """JSON Schema of the choice; the kinds' own schemas are put into `definitions`."""
    properties: dict[str, object] = {}
    for kind in known(room):
        module = registry.find(room, kind)
        (reference,), parts = msgspec.json.schema_components(
            [module.Config], ref_template=f"#/$defs/{room}.{kind}.{{name}}"
        )
        definitions.update({f"{room}.{kind}.{name}": part for name, part in parts.items()})
        properties[kind] = {**reference, "description": (module.__doc__ or kind).partition("\n")[0]}
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip


def _shape(room: str, kind: object) -> type[Config] | None:
    if kind not in registry.names(room):
        return None
    return cast("type[Config] | None", getattr(registry.find(room, str(kind)), "Config", None))


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return options_of(value) if isinstance(value, Config) else msgspec.to_builtins(value)


def _named(room: str, choice: Chosen | Mapping[str, Any], names: str) -> dict[str, object]:
    ((kind, options),) = (dump(choice) if isinstance(choice, Chosen) else choice).items()
    wanted = getattr(registry.find(room, kind), names, sorted(options))
    return {"kind": kind} | {name: options.get(name) for name in wanted}
