"""What a task's stages say about each other and about its category: which names go in, which come out, what clashes.

Work is done in this order: sampling, filter, selection of fields, custom fields, redaction, timestamps, renaming. The
site is stamped before all of it, so that each of them sees it; a task with a site delivers it, whatever it selects.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from logferry import categories
from logferry.categories import Category
from logferry.stages import custom_fields, redact
from logferry.stages.custom_fields import CustomFields
from logferry.stages.redact import Rule
from logferry.stages.timestamps import Timestamps

__all__ = ["SITE", "Stages", "problems", "selection", "timestamps", "unknown_names"]

SITE = "SiteName"


class Stages(Protocol):
    """A task's keys that are stages, as `task.Task` has them."""

    @property
    def category(self) -> str | None:
        """Kind of logs."""
        ...

    @property
    def site(self) -> str | None:
        """Stamped on records that carry none."""
        ...

    @property
    def fields(self) -> tuple[str, ...] | None:
        """Those that are kept."""
        ...

    @property
    def custom_fields(self) -> CustomFields | None:
        """Those that are taken out."""
        ...

    @property
    def redact(self) -> tuple[Rule, ...] | None:
        """Rules."""
        ...

    @property
    def timestamps(self) -> str | Timestamps | None:
        """A form, of the category's timestamps or of the fields it names."""
        ...

    @property
    def rename(self) -> Mapping[str, str] | None:
        """Old name to new name."""
        ...


def selection(stages: Stages) -> tuple[str, ...] | None:
    """The fields that are kept at first: those the task names, and what later stages make theirs from."""
    if stages.fields is None:
        return None
    wanted = list(stages.fields)
    if stages.site is not None:
        wanted.append(SITE)
    if stages.custom_fields is not None:
        at = wanted.index(custom_fields.OUTPUT) if custom_fields.OUTPUT in wanted else len(wanted)
        wanted[at:at] = custom_fields.INPUTS  # side by side: whichever a record has, it stands in that place
    return tuple(dict.fromkeys(wanted))


def timestamps(stages: Stages) -> Timestamps | None:
    """The form and the fields; of a category those that are timestamps by their type, and the time of the event."""
    if not isinstance(stages.timestamps, str):
        return stages.timestamps
    kind = categories.find(stages.category or "")
    names = [name for name, field in kind.fields.items() if field.type == "timestamp" or name == kind.event_time]
    return Timestamps(format=stages.timestamps, fields=tuple(names))  # type: ignore[arg-type]  # a checked Format


def problems(stages: Stages) -> list[str]:
    """Keys that do not go together, each as `key: what, expected`."""
    if stages.category and categories.problems(stages.category):
        return []  # told elsewhere; what hangs on it cannot be judged
    kind = categories.find(stages.category) if stages.category else None
    return [*_misplaced(stages, kind), *_repeated(stages), *_clashes(stages, kind)]


def unknown_names(stages: Stages) -> list[str]:
    """Names that no record of the category can have, the nearest one suggested. The filter checks its own."""
    if not stages.category:
        return []
    kind, site = categories.find(stages.category), {SITE} if stages.site else set()
    early = [(f"fields[{place}]", name) for place, name in enumerate(stages.fields or ())]
    late = [(f"rename.{name}", name) for name in stages.rename or ()]
    for number, rule in enumerate(stages.redact or ()):
        late += [(f"redact[{number}].fields[{place}]", name) for place, name in enumerate(rule.fields or ())]
    if isinstance(stages.timestamps, Timestamps):
        late += [(f"timestamps.fields[{place}]", name) for place, name in enumerate(stages.timestamps.fields)]
    return categories.check(kind, early, site) + categories.check(kind, late, site | _taken_out(stages))


def _misplaced(stages: Stages, kind: Category | None) -> Iterator[str]:
    if stages.site and kind and kind.scope != "site":
        fit = [name for name in categories.names() if categories.find(name).scope == "site"]
        yield f"site: {kind.name} logs belong to an account, not to a site; those of a site are {', '.join(fit)}"
    if stages.custom_fields and not (kind and kind.custom_fields):
        fit = [name for name in categories.names() if categories.find(name).custom_fields]
        have = f"this one is {kind.name}" if kind else "this one has none"
        yield f"custom_fields: only a task of category {' or '.join(fit)} has them, {have}"
    if isinstance(stages.timestamps, str) and not kind:
        yield "timestamps: which fields are timestamps is not known without a category, expected {format, fields}"


def _repeated(stages: Stages) -> Iterator[str]:
    lists = {"fields": stages.fields or ()}
    if isinstance(stages.timestamps, Timestamps):
        lists["timestamps.fields"] = stages.timestamps.fields
    lists |= {f"redact[{number}].fields": rule.fields or () for number, rule in enumerate(stages.redact or ())}
    for path, names in lists.items():
        yield from (f"{path}: {name!r} stands more than once" for name in sorted(set(names)) if names.count(name) > 1)
    rules = [rule for rule in stages.redact or () if len(set(rule.fields or ())) == len(rule.fields or ())]
    yield from (f"redact: more than one rule takes {name!r} as a whole" for name in redact.doubles(rules))


def _clashes(stages: Stages, kind: Category | None) -> Iterator[str]:
    """New names that are taken, old names that are not there."""
    names = stages.rename or {}
    there = _leaving(stages, kind)
    is_all = stages.fields is not None  # whether nothing else can leave
    first: dict[str, str] = {}
    for old, new in names.items():
        if old == new:
            yield f"rename.{old}: is called so already"
        elif new in first:
            yield f"rename.{old}: {new!r} is the new name of {first[new]!r} too"
        elif is_all and old not in there:
            yield f"rename.{old}: is not among fields"
        elif new in there and new not in names:
            yield f"rename.{old}: {new!r} is the name of another field"
        first.setdefault(new, old)


def _leaving(stages: Stages, kind: Category | None) -> set[str]:
    """Fields that may be there when names are changed, as far as it is known."""
    selected = selection(stages)
    found = set(selected if selected is not None else kind.fields if kind else ()) | ({SITE} if stages.site else set())
    if stages.custom_fields:
        found = found - set(custom_fields.INPUTS) | (_taken_out(stages) or {custom_fields.OUTPUT})
    dropped = {
        name for rule in stages.redact or () if rule.action == "drop" and not rule.pattern for name in rule.fields or ()
    }
    return found - dropped


def _taken_out(stages: Stages) -> set[str]:
    """Names of custom fields that come out one by one."""
    wanted = stages.custom_fields
    return set(custom_fields.flat_names(wanted)) if wanted and wanted.shape == "flat" else set()
