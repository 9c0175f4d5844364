"""The pipeline: `* | where … | extend … | project …`, with an optional `;` at its end."""

from collections.abc import Callable, Mapping

from logferry_local.spl.errors import mismatch
from logferry_local.spl.grammar import RESERVED, Grammar
from logferry_local.spl.reader import Reader
from logferry_local.spl.syntax import TIMES, Expression, Extend, Instruction, Project, ProjectAway, ProjectRename, Where

__all__ = ["MAX_INSTRUCTIONS", "parse"]

MAX_INSTRUCTIONS = 16
_ALL = "'*': a search in front is for queries on an index, a pull reads all logs"
_OPTIONS = {"-wildcard": True, "-wildcard-off": False}


def parse(text: str) -> list[Instruction]:
    """All instructions of a query; SplError."""
    start = len(text) - len(text.lstrip())
    if not text.startswith(("*", "--", "/*"), start):  # told before the rest is read: a search is another language
        mismatch(text, start, text[start:].partition("|")[0].strip() or "<EOF>", _ALL)
    reader = Reader(text)
    if not reader.skip("*"):
        reader.wrong(_ALL)
    found: list[Instruction] = []
    while reader.skip("|"):
        if len(found) == MAX_INSTRUCTIONS:
            reader.wrong(f"no more than {MAX_INSTRUCTIONS} instructions")
        found.append(_instruction(reader))
    reader.skip(";")
    if reader.token.kind != "end":
        reader.wrong("'|', ';' or the end")
    return found


def _instruction(reader: Reader) -> Instruction:
    start = reader.token
    word = _hyphenated(reader).lower()
    if word not in _INSTRUCTIONS:
        reader.wrong(", ".join(sorted(_INSTRUCTIONS)).upper(), start)
    return _INSTRUCTIONS[word](reader)


def _hyphenated(reader: Reader) -> str:
    """A word whose parts are joined by `-`, without blanks."""
    word, end = reader.token.value, reader.token.end
    if reader.token.kind == "end":
        return word
    reader.take()
    while reader.at("-") and reader.token.offset == end and reader.ahead().offset == end + 1:
        reader.take()
        end = reader.token.end
        word += f"-{reader.take().value}"
    return word


def _where(reader: Reader) -> Where:
    return Where(Grammar(reader).expression())


def _extend(reader: Reader) -> Extend:
    fields: list[tuple[str, Expression]] = []
    while not fields or reader.skip(","):
        name = reader.name("a field name")
        reader.expect("=")
        fields.append((name, Grammar(reader).expression()))
    return Extend(tuple(fields))


def _project(reader: Reader) -> Project:
    keep: list[str] = []
    names: list[tuple[str, str]] = []
    wild = _wildcards(reader)
    while not (keep or names) or reader.skip(","):
        if reader.ahead().kind == "symbol" and reader.ahead().value == "=":
            names.append(_renaming(reader))
        else:
            keep.append(_pattern(reader, wild))
    return Project(tuple(keep), tuple(names))


def _project_away(reader: Reader) -> ProjectAway:
    drop: list[str] = []
    wild = _wildcards(reader)
    while not drop or reader.skip(","):
        drop.append(_pattern(reader, wild))
    return ProjectAway(tuple(drop))


def _project_rename(reader: Reader) -> ProjectRename:
    names: list[tuple[str, str]] = []
    while not names or reader.skip(","):
        names.append(_renaming(reader))
    return ProjectRename(tuple(names))


def _renaming(reader: Reader) -> tuple[str, str]:
    pair = []
    for what in ("a field name", "the field that it comes from"):
        token = reader.token
        pair.append(reader.name(what))
        if pair[-1] in TIMES:
            reader.wrong("a field that is no time: only extend changes those", token)
        if len(pair) == 1:
            reader.expect("=")
    return pair[0], pair[1]


def _wildcards(reader: Reader) -> bool:
    """Whether `*` in a quoted name stands for anything: it does, unless `-wildcard-off` says no."""
    if not reader.at("-"):
        return True
    start = reader.token
    reader.take()
    option = f"-{_hyphenated(reader).lower()}"
    if option not in _OPTIONS:
        reader.wrong(" or ".join(_OPTIONS), start)
    return _OPTIONS[option]


def _pattern(reader: Reader, wild: bool) -> str:  # noqa: FBT001  # private
    """A name; one without wildcards has each `*` doubled."""
    if reader.token.kind == "name" and reader.token.value.lower() in RESERVED:
        reader.wrong("a field name (in double quotes if it is a word of the language)")
    name = reader.name('a field name or a "pattern*"')
    return name if wild else name.replace("*", "**")


_INSTRUCTIONS: Mapping[str, Callable[[Reader], Instruction]] = {
    "where": _where, "extend": _extend, "project": _project, "project-away": _project_away,
    "project-rename": _project_rename,
}  # fmt: skip
