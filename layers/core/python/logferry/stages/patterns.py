"""What redaction looks for in text: addresses, e-mail addresses, card numbers. A finder gives the spans it found.

Each takes time in proportion to the text, whatever stands in it: no pattern tries a place again and again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import AddressValueError, IPv6Address

__all__ = ["FINDERS", "Finder"]

Spans = Sequence[tuple[int, int]]
Finder = Callable[[str], Spans]

# A pattern that begins with a set of characters or with one character is looked for many times as fast as another:
# hence lookbehinds after the first digit.
_V4 = (
    r"[0-9](?<![0-9][0-9])(?<![0-9]\.[0-9])[0-9]{0,2}"
    r"(?:\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])){3}(?![0-9]|\.[0-9])"
)
_HEX = r"[0-9A-Fa-f]{1,4}"
_V6 = (
    r"(?<![0-9A-Za-z_])"
    rf"(?:(?:{_HEX}:){{1,7}}:(?:{_HEX}(?::{_HEX}){{0,6}})?|::(?:{_HEX}(?::{_HEX}){{0,6}})|(?:{_HEX}:){{6,7}}{_HEX})"
    r"(?:(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z_])"
)
_IPV4 = re.compile(_V4, re.ASCII)
_IP = re.compile(rf"(?P<v6>{_V6})|{_V4}", re.ASCII)
_MANY_GROUPS = re.compile(rf":{_HEX}:{_HEX}:{_HEX}:", re.ASCII).search  # in every IPv6 address without `::`

# `%40` is how a query string writes `@`. A run of letters is begun at its begin only, and taken whole.
_LETTER = r"[\w.+'!#$^*~-]"
_EMAIL = re.compile(
    rf"(?:(?<!%)(?<!{_LETTER})|(?<=%40))(?:{_LETTER}|%(?!40))++(?:@|%40)[\w-]++(?:\.[\w-]++)++",
)

# 2-6: cards of all networks that sell to the public; a number that starts with 1 is most often a point in time.
_CARD = re.compile(
    r"[2-6](?<![0-9][2-6])(?:[0-9]{12,18}|[0-9]{3}(?P<by>[ -])[0-9]{4}(?P=by)[0-9]{4}(?P=by)[0-9]{4}"
    r"|(?<=3)[0-9]{3}(?P<sep>[ -])[0-9]{6}(?P=sep)[0-9]{4,5})(?![0-9])"
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _addresses(text: str) -> Spans:
    if "::" in text or _MANY_GROUPS(text):
        return list(_of_both_families(text))
    return [match.span() for match in _IPV4.finditer(text) if _is_address(match[0])]


def _of_both_families(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while match := _IP.search(text, at):
        if _is_address(match[0]):
            yield match.span()
            at = match.end()
        else:
            at = match.start() + 1  # groups of hexadecimal digits: an address may begin at the next


def _is_address(text: str) -> bool:
    if ":" not in text:
        return int(text.partition(".")[0]) < 256
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _emails(text: str) -> Spans:
    if "@" not in text and "%40" not in text:
        return ()
    return [match.span() for match in _EMAIL.finditer(text)]


def _cards(text: str) -> Spans:
    found, at = list[tuple[int, int]](), 0
    while match := _CARD.search(text, at):
        if _is_card(match[0]):
            found.append(match.span())
            at = match.end()
        else:
            at = match.start() + 1  # groups of digits: a card may begin at the next
    return found


def _is_card(text: str) -> bool:
    """Luhn: every second digit from the right doubled, digits of what comes out added up, the sum ends in 0."""
    digits = [int(letter) for letter in reversed(text) if letter not in " -"]
    return (sum(digits[::2]) + sum(_DOUBLED[digit] for digit in digits[1::2])) % 10 == 0


FINDERS: dict[str, Finder] = {"ip": _addresses, "email": _emails, "card": _cards}
