"""Records as text of a chosen form (NDJSON, CSV, a template), and the frame around many: for HTTP, objects and queues.

A payload is `prefix + header + records joined by separator + suffix`; a separator follows the last record too where
nothing else does (`last_separator`). A JSON array is prefix `[`, separator `,`, suffix `]`. Docs: docs/output.md.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.encoders import Encoder
from logferry.encoders.output import csv_rows, json_objects, template
from logferry.errors import ConfigError
from logferry.model import Record

__all__ = ["Form", "Output", "build", "part_of"]

Column = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
Text = Annotated[str, msgspec.Meta(max_length=4096, description="text of at most 4096 characters")]
Separator = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, description="text of 1 to 64 characters between two records")
]


class Form(config.Config, frozen=True, kw_only=True):
    """How one record is written."""

    format: Literal["ndjson", "csv", "template"] = "ndjson"
    columns: (
        Annotated[
            tuple[Column, ...],
            msgspec.Meta(min_length=1, max_length=500, description="a list of 1-500 field names, in this order"),
        ]
        | None
    ) = None
    template: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)] | None = None
    missing: Text = ""

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """The template's braces."""
        try:
            if name == "template" and value is not None:
                template.parse(value)
        except ConfigError as error:
            return error.problems
        return []

    def problems(self) -> list[str]:
        """What belongs to one form only."""
        found = []
        for name, form in (("columns", "csv"), ("template", "template")):
            given = getattr(self, name) is not None
            if given and self.format != form:
                found.append(f"{name}: is for format {form} only, the format is {self.format}")
            if not given and self.format == form:
                found.append(f"{name}: is missing, format {form} needs it")
        if self.missing and self.format == "ndjson":
            found.append("missing: is for csv and template only, ndjson leaves absent fields out")
        return found


class Output(Form, frozen=True, kw_only=True):
    """How many records are written as one body."""

    separator: Separator = "\n"
    last_separator: bool | None = None  # None: unless a suffix follows
    prefix: Text = ""
    suffix: Text = ""
    header: bool = True  # of csv: a line with the names of the columns before the records of each body

    def problems(self) -> list[str]:
        """What the frame and the form must agree on."""
        found = super().problems()
        if self.format == "csv" and self.separator not in ("\n", "\r\n"):
            found.append(f"separator: {self.separator!r} is not a line break, which ends a row of csv")
        return found


class Written:
    """The encoder of an `Output`."""

    def __init__(self, options: Output) -> None:
        self.encode = part_of(options)
        self._between = options.separator.encode()
        last = not options.suffix if options.last_separator is None else options.last_separator
        header = csv_rows.row(options.columns) + self._between if options.columns and options.header else b""
        self._before = options.prefix.encode() + header
        self._after = (self._between if last else b"") + options.suffix.encode()

    @property
    def overhead(self) -> int:
        """Bytes of a body beside its records and one separator each."""
        return len(self._before) + len(self._after)

    def frame(self, parts: Sequence[bytes]) -> bytes:
        """The body; of no records, nothing."""
        return b"".join((self._before, self._between.join(parts), self._after)) if parts else b""


def build(options: Output) -> Encoder:
    """The encoder."""
    return Written(options)


def part_of(form: Form) -> Callable[[Record], bytes]:
    """What writes one record. Its result raises Permanent for a record that the form cannot hold."""
    if form.format == "csv":
        return csv_rows.writer(form.columns or (), form.missing)
    if form.format == "template":
        return template.writer(form.template or "", form.missing)
    return json_objects.write
