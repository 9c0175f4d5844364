"""What redaction finds in text, what it leaves alone, and that no text makes it slow."""

import ipaddress
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.stages.patterns import FINDERS


def found(name: str, text: str) -> list[str]:
    """The pieces of text that the finder finds."""
    return [text[begin:end] for begin, end in FINDERS[name](text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", ["203.0.113.7"]),
        ("from 10.0.0.1:80, 10.0.0.2.", ["10.0.0.1", "10.0.0.2"]),
        ("ip=010.001.002.003;", ["010.001.002.003"]),
        ("1.2.3.4.5 and 1.2.3.256 and 1.2.3", []),
        ("2001:db8::1", ["2001:db8::1"]),
        ("client:2001:db8::1, added:fe80::1%eth0", ["2001:db8::1", "fe80::1"]),
        ("[2001:DB8:0:0:0:0:0:1]:443", ["2001:DB8:0:0:0:0:0:1"]),
        ("::ffff:192.0.2.1 ::1 64:ff9b::192.0.2.33", ["::ffff:192.0.2.1", "::1", "64:ff9b::192.0.2.33"]),
        ("0:0:0:0:0:ffff:192.0.2.1", ["0:0:0:0:0:ffff:192.0.2.1"]),
        ("10:11:12:13:14:15:16:203.0.113.7", ["11:12:13:14:15:16:203.0.113.7"]),
        ("1:2::3:4:5:6:7:10.1.2.3 ::ffff:01.2.3.4", ["10.1.2.3", "01.2.3.4"]),
        ("12:30:45 aa:bb:cc:dd:ee:ff std::string Foo::Bar a :: b", []),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    """Of both families, with ports and keys beside them; times, hardware addresses and code are none."""
    assert found("ip", text) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.ip_addresses(), st.sampled_from(["", " ", "=", "ip:", "[", "("]), st.sampled_from(["", " ", ",", "]", ")", "/"])
)
def test_every_address_is_found(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, before: str, after: str
) -> None:
    """In short and in full, whatever stands beside it; `::`, which names nobody, is left."""
    for text in {str(address), address.exploded}:
        if text != "::":
            assert found("ip", before + text + after) == [text]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["::", ":", "1:", "ab:", "12:", "::1", " ", "x", "fe80::", "7.", "::ffff:"]), max_size=12),
    st.sampled_from(["", ":", "::", " ", ":1", "::1", ":a:b"]),
)
def test_no_address_hides_behind_what_looks_like_another(before: list[str], after: str) -> None:
    """Groups and colons before it and behind it: what is left when the finds are cut out holds no part of it."""
    text = "".join(before).rstrip(".0123456789") + ":203.0.113.7" + after
    left = text
    for begin, end in reversed(FINDERS["ip"](text)):
        left = left[:begin] + left[end:]
    assert ".113." not in left


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jo.do+tag@mail.example.com", ["jo.do+tag@mail.example.com"]),
        ("<a@b.example>, c_d@e-f.example.", ["a@b.example", "c_d@e-f.example"]),
        ("/x?mail=john%40b.example&y=1", ["john%40b.example"]),
        ("?to=%40john%40b.example&x%40jo%40c.example", ["john%40b.example", "jo%40c.example"]),
        ("%22joe%40b.example%22 100%jo@b.example", ["%22joe%40b.example", "100%jo@b.example"]),
        ("to=john%2Btag%40b.example", ["john%2Btag%40b.example"]),
        ("zoë@bücher.example", ["zoë@bücher.example"]),
        ("a@b@c.example", ["b@c.example"]),
        ("user@localhost, @name, x@, a @ b.c", []),
    ],
)
def test_emails(text: str, expected: list[str]) -> None:
    """As they are, and as a query string writes them."""
    assert found("email", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", ["4111111111111111"]),
        ("card=4111-1111-1111-1111;", ["4111-1111-1111-1111"]),
        ("4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("id 1234 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("id 2235 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("3782 822463 10005 and 378282246310005", ["3782 822463 10005", "378282246310005"]),
        ("4111111111111112, 4111 1111 1111 1112", []),  # a wrong check digit
        ("1782864000000, 1782864000000000000", []),  # points in time
        ("41111111111111111111", []),  # 20 digits
        ("0000000000000000", []),
    ],
)
def test_cards(text: str, expected: list[str]) -> None:
    """By length, groups, first digit and check digit."""
    assert found("card", text) == expected


@pytest.mark.parametrize("name", sorted(FINDERS))
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1.",
        "1:",
        ":",
        "1 ",
        "1111 ",
        "4111-",
        "%40",
        "@",
        "a@",
        "%2B",
        "a.",
        "::1:",
        "f:",
        "1::",
        "1:2:3:4:5:6:7:8.9.9.9 ",
        "\u00e9",
        "-",
    ],
)
@pytest.mark.parametrize("tail", ["", "@", " @x"])
def test_no_text_makes_a_search_slow(name: str, piece: str, tail: str) -> None:
    """200 kB of what a pattern begins with: CPU time well below what trying everywhere again would take (minutes)."""
    text = (piece * 200_000)[:200_000] + tail
    begin = time.process_time()
    list(FINDERS[name](text))
    assert time.process_time() - begin < 2


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None) | st.sampled_from("0123456789abf:.@%4 -"), max_size=60))
def test_any_text_has_spans_in_order(text: str) -> None:
    """Within the text, none empty, none overlapping."""
    for find in FINDERS.values():
        at = 0
        for begin, end in find(text):
            assert at <= begin < end <= len(text)
            at = end
