"""What PyYAML says of a broken file, as a finding: tabs, indentation, quotes, anchors. Never a piece of the text."""

import difflib
import re

import yaml

from logferry_local.deploy_files.findings import HIDDEN, Notes

__all__ = ["tell"]

# What its message holds -> what stands there, what was expected, what to do.
_KNOWN = (
    (r"character '\\t'", "a tab", "blanks for indentation", "Put blanks in place of the tab."),
    (r"found duplicate anchor", "an anchor that is there twice", "one anchor of a name",
     "Give one of them another name."),
    (r"expected a single document", "a second document", "one document a file", "Take the line `---` out."),
    (r"mapping values are not allowed", "a colon where no key can be", "keys of a mapping in one column",
     "Indent the line as its neighbours, or put a value that holds `: ` in quotes."),
    (r"expected <block end>", "a line in another column", "keys of a mapping in one column",
     "Indent the line as its neighbours."),
    (r"could not find expected ':'|expected ':'", "a line without a colon", "KEY: VALUE",
     "Put a colon and a blank behind the key, or indent the line as its neighbours."),
    (r"while scanning a quoted|unexpected end of stream", "a quote that is not closed", "two quotes",
     "Close the quote."),
    (r"flow sequence|flow mapping|expected ',' or", "a bracket that is not closed", "two brackets, commas between",
     "Close the bracket."),
)  # fmt: skip


def tell(error: yaml.MarkedYAMLError, text: str, notes: Notes) -> None:
    """Note where the file stops being YAML."""
    # Of what is not closed the beginning helps more than the place where that was noticed.
    is_open = re.search(r"quoted scalar|flow (sequence|mapping)", error.context or "")
    mark = (error.context_mark if is_open else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    key = re.match(r"\s*(?:- +)?(?:<<|[\w.-]+)(?=\s*:)", written)
    path = key[0].strip(" \t-") if key else ""
    said = " ".join(part for part in (error.context, error.problem) if part)
    alias = re.search(r"found undefined alias '?([^' ]+)'?", said)
    if alias:
        known = re.findall(r"(?<![\w*])&([\w-]+)", text)
        near = difflib.get_close_matches(alias[1], known, n=1)
        # A secret that starts with * looks like an alias: only what is nearly one of the names is shown.
        value = f"*{alias[1]}" if near else HIDDEN
        fix = (
            f"Write *{near[0]}." if near else "Put text that starts with * in quotes, or write &NAME where it is meant."
        )
        notes.add(line, column, (path, value), f"one of the anchors {', '.join(sorted(set(known))) or '(none)'}", fix)
        return
    for pattern, value, expected, fix in _KNOWN:
        if re.search(pattern, said):
            notes.add(line, column, (path, value), expected, fix)
            return
    if "\t" in written[: len(written) - len(written.lstrip())]:
        notes.add(line, column, (path, "a tab"), "blanks for indentation", "Put blanks in place of the tab.")
        return
    notes.add(
        line, column, (path, "not YAML"), "YAML", "Put the value in quotes, or indent the line as its neighbours."
    )
