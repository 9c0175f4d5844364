"""The matrix as data: faults (faults.toml) x ways (adapters) = cells, at two levels."""

import importlib
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec

from faults import adapters
from faults.adapters import Way

__all__ = ["Cell", "Fault", "adapter", "cells", "faults", "names", "ways"]

Fate = Literal["delivered", "retried", "split", "parked", "held", "gap", "repeated", "stopped"]
_SEEDS = 10  # random moments


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of faults.toml."""

    name: str
    title: str
    trouble: str  # what makes it: a class of `troubles`
    options: Mapping[str, Any] = {}
    needs: tuple[str, ...] = ("web", "put", "broker", "stream", "datagram")  # of what a way offers, any one
    group: Literal["status", "wire", "certificate", "engine", "kill", "moment"]
    fate: Fate
    row: str  # how the row of docs/fates.md begins that says so
    parked: int = 0
    rests: float = 0.0  # seconds that the stream is left alone at least
    timeout: str = "2s"  # of the task
    buffer: int = 0  # bytes that the front's system takes at most; 0: its own default


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    way: Way
    fault: Fault
    seed: int | None = None  # of a random moment

    @property
    def name(self) -> str:
        """For the command line: unique in a level."""
        return f"{self.way.name}/{self.fault.name}" + ("" if self.seed is None else f"-{self.seed}")


def names() -> list[str]:
    """Every destination that has an adapter."""
    return sorted(module.name for module in pkgutil.iter_modules(adapters.__path__))


def adapter(destination: str) -> ModuleType:
    """How it takes part."""
    return importlib.import_module(f"faults.adapters.{destination}")


def ways() -> list[Way]:
    """All ways to all destinations."""
    return [way for name in names() for way in adapter(name).WAYS]


def faults() -> list[Fault]:
    """All of faults.toml."""
    text = (Path(__file__).parent / "faults.toml").read_text(encoding="utf-8")
    entries = [{"name": name, **entry} for name, entry in tomllib.loads(text).items()]
    return msgspec.convert(entries, list[Fault])


def cells(*, full: bool) -> Iterator[Cell]:
    """Full: every fault on every way. Else statuses a destination, wire faults a transport, ten kills in all."""
    known, met = ways(), set()
    for fault in faults():
        fitting = [way for way in known if way.offers & set(fault.needs)]
        if fault.group == "moment":
            for seed in range(_SEEDS):
                for way in fitting if full else fitting[seed % len(fitting) :][:1]:
                    yield Cell(way=way, fault=fault, seed=seed)
            continue
        for way in fitting:
            mark = (fault.name, (way.family or way.destination) if fault.group == "status" else way.offers)
            if full or (fault.group in ("status", "wire", "certificate") and mark not in met):
                met.add(mark)
                yield Cell(way=way, fault=fault)
