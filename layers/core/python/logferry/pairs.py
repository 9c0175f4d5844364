"""Records as the `key=value` pairs of security events (CEF, LEEF): fields under the keys that a SIEM knows.

A mapped field has its key; where two fields of a record have the same, the first has it. The others are kept under
their own name as far as a key can hold it, with a number where that is taken, or left out. Pairs with an empty value
are left out, and mapped ones with `-`: an address or a number that a SIEM could not read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from logferry.model import Record, Value
from logferry.pieces import first
from logferry.values import text_of

__all__ = ["Naming", "Pairs", "grouped", "milliseconds"]


_NOTHING = "-"  # what the logs of WAF and ESA write where there is no value
_LEAST = 64  # bytes of a value that are worth being cut off from the rest


class Naming(NamedTuple):
    """Which key a field gets."""

    map: Mapping[str, str | None]  # None: the field is left out
    keep: bool  # fields that are not mapped
    key: Callable[[str], str]  # a field's name as far as a key can hold it
    reserved: frozenset[str] = frozenset()  # keys that the format writes itself
    label: Callable[[str], str] = lambda _key: ""  # the key that says what a custom key holds


class Pairs:
    """Makes pairs; `clean` is applied to values, many at a time with NUL between them."""

    def __init__(self, naming: Naming, clean: Callable[[str], str]) -> None:
        self._naming, self._clean = naming, clean
        self._prefixes = lru_cache(maxsize=32)(self._new_prefixes)

    def of(self, fields: Mapping[str, Value]) -> list[str]:
        """The pairs of a record, in its order."""
        try:
            flat = "\0".join(fields.values())  # type: ignore[arg-type]  # a TypeError says that a value is not text
        except TypeError:
            fields = {name: "" if value is None else text_of(value) for name, value in fields.items()}
            flat = "\0".join(map(str, fields.values()))
        values = self._clean(flat).split("\0")
        if len(values) != len(fields):  # a value holds NUL, or there are no fields
            values = [self._clean(str(value)) for value in fields.values()]
        return [
            prefix + value
            for (prefix, nothing), value in zip(self._prefixes(tuple(fields)), values, strict=True)
            if prefix and value and value != nothing
        ]

    def _new_prefixes(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """What stands before each value ("": the field is left out), and the value that means nothing."""
        mapping, taken = self._naming.map, set(self._naming.reserved)
        keys: dict[str, str] = {}
        for name in names:
            key = mapping.get(name)
            if key and key not in taken:
                keys[name] = key
                taken.add(key)
        mapped = frozenset(keys)
        labels = {name: label for name, key in keys.items() if (label := self._naming.label(key)) not in {"", *taken}}
        taken.update(labels.values())
        for name in names:
            if name not in keys and self._naming.keep and mapping.get(name, name) is not None:
                keys[name] = _free(self._naming.key(name) or "field", taken)
                taken.add(keys[name])
        label_of = {name: f"{label}={self._clean(name)}" for name, label in labels.items()}
        return [
            (_prefix(keys.get(name, ""), label_of.get(name, "")), _NOTHING if name in mapped else "") for name in names
        ]


def grouped(pairs: Iterable[bytes], between: bytes, room: int) -> Iterator[bytes]:
    """As many whole pairs as `room` holds, again and again; what is longer than that goes on under the same key."""
    held = b""
    for pair in pairs:
        left = room - len(held + between) if held else room
        if len(pair) > room:
            *full, held = _filled(pair, held, between, room)
            yield from full
        elif len(pair) <= left:
            held = held + between + pair if held else pair
        else:
            yield held
            held = pair
    yield held


def milliseconds(record: Record) -> str:
    """The record's time in milliseconds since 1970."""
    return f"{record.time * 1000 + record.nanos // 1_000_000}"


def _filled(pair: bytes, held: bytes, between: bytes, room: int) -> Iterator[bytes]:
    """The pair behind what is held, cut wherever the room ends."""
    key, equals, value = pair.partition(b"=")
    name, before = key + equals, held + between if held else b""
    if held and room - len(before + name) < _LEAST:
        yield held
        before = b""
    while value:
        piece = first(value, room - len(before + name))
        yield before + name + piece
        before, value = b"", value[len(piece) :]


def _prefix(key: str, label: str) -> str:
    return key and (f"{label} {key}=" if label else f"{key}=")


def _free(key: str, taken: set[str]) -> str:
    """The key, with the first number from 2 on that makes it free."""
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key}{number}"
    return found
