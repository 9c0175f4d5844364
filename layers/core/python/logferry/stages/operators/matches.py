"""`matches`: a pattern is found in the text (RE2: linear time, whatever pattern and text are).

Limits: 1,000 characters, and 5,000 steps once compiled (`.{900}` or `\\pL{50}` are beyond).
"""

from collections.abc import Callable

from logferry.model import Value

__all__ = ["judge"]

MAX_LENGTH = 1_000
# Where RE2 must step through a program for each letter: 15 ms for 64 kB of text at this size (measured), 96 at 60,000.
MAX_STEPS = 5_000
# Bytes for one pattern, of which a task may have twenty. Half of it made large ones twenty times slower (measured).
_MEMORY = 2 << 20


def judge(wanted: object) -> Callable[[Value], bool]:
    """True when the value is text in which `wanted` is found, anywhere unless it says `^` or `$`."""
    if not isinstance(wanted, str) or not wanted:
        raise ValueError("is not a pattern of one or more characters")
    if len(wanted) > MAX_LENGTH:
        raise ValueError(f"is a pattern of {len(wanted)} characters, at most {MAX_LENGTH} are allowed")
    import re2  # here: a task without a pattern never needs it

    options = re2.Options()
    options.log_errors = False  # else it writes to standard error
    options.never_capture = True
    options.max_mem = _MEMORY
    try:
        # As bytes: for text the binding counts letters before and after each match, which nobody asks for here.
        pattern = re2.compile(wanted.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"is not a pattern that RE2 takes: {_told(error)}") from None
    steps = pattern.programsize
    if steps > MAX_STEPS:
        raise ValueError(f"is a pattern of {steps} steps once compiled, at most {MAX_STEPS} are allowed")
    search = pattern.search
    # Half of a surrogate pair has no bytes: it reads as a question mark.
    return lambda value: isinstance(value, str) and search(value.encode(errors="replace")) is not None


def _told(error: Exception) -> str:
    """RE2's own words."""
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(error)
