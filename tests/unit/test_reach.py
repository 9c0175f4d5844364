"""Which addresses a task's connections may reach."""

import socket
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import ConfigError, Misconfigured
from logferry.transport.datagrams import Datagrams
from logferry.transport.dial import Resolve, find_addresses, judge_target, open_socket
from logferry.transport.reach import Reach
from logferry.transport.wire import Stream

PUBLIC_ONLY = Reach(private=False)
NEVER = (
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "fe80::1", "fe80::1%1", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "::ffff:169.254.169.254",
    "::ffff:100.100.100.200", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:2:3:4:a9fe:a9fe", "::ffff:0:169.254.169.254",
)  # fmt: skip
SPELLINGS = (
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xa9.254.0251.254", "①69.254.169.254",
    "169。254。169。254",
)  # fmt: skip
FORMS = (
    "{a}.{b}.{c}.{d}", "{n}", "0x{n:x}", "0{a:o}.0{b:o}.0{c:o}.0{d:o}", "0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
    "{a}.{b}.{cd}",
    "::ffff:{a}.{b}.{c}.{d}", "::{high:x}:{low:x}", "64:ff9b::{high:x}:{low:x}", "2002:{high:x}:{low:x}::1",
    "::ffff:{high:x}:{low:x}",
)  # fmt: skip
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fc00::1", "fd12:3456::1",
    "fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "192.0.2.1", "240.0.0.1",
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "2130706433", "0")  # noqa: S104  # nobody binds to it
PUBLIC = ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "11.0.0.1")


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_link_local_addresses_are_always_refused(address: str) -> None:
    """Whatever the setting, nobody's metadata service is reached, in any of the forms that carry its address."""
    with pytest.raises(Misconfigured, match="which no task may reach; nothing was sent"):
        find_addresses(address, 80, socket.SOCK_STREAM)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_an_address_is_the_address(spelling: str) -> None:
    """Decimal, hexadecimal, octal, shortened and wide forms are judged as what the system makes of them."""
    with pytest.raises(Misconfigured, match=r"is at 169\.254\.169\.254, which is a link-local address"):
        find_addresses(spelling, 80, socket.SOCK_STREAM)


@given(st.integers(0, 0xFFFF), st.sampled_from(FORMS))
def test_no_form_of_any_link_local_address_passes(low: int, form: str) -> None:
    """All 65,536 of them, written in every way that leads there."""
    number = 169 << 24 | 254 << 16 | low
    a, b, c, d = number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255
    spelled = form.format(n=number, a=a, b=b, c=c, d=d, cd=low, high=number >> 16, low=low)
    with pytest.raises(Misconfigured, match="link-local"):
        find_addresses(spelled, 80, socket.SOCK_STREAM, Reach.of({}))


@pytest.mark.parametrize("address", [*PRIVATE, *LOOPBACK, *PUBLIC])
def test_private_and_loopback_addresses_are_allowed_unless_told_otherwise(address: str) -> None:
    """The receiver often stands in the same network, and a developer's on the same machine."""
    assert find_addresses(address, 443, socket.SOCK_STREAM, Reach.of({}))


@pytest.mark.parametrize("address", [*PRIVATE, *LOOPBACK])
def test_private_and_loopback_addresses_are_refused_by_setting(address: str) -> None:
    """LOGFERRY_PRIVATE_ADDRESSES=refuse; the error names the setting."""
    reach = Reach.of({"LOGFERRY_PRIVATE_ADDRESSES": "refuse"})
    with pytest.raises(Misconfigured, match=r"(private|loopback) address, and LOGFERRY_PRIVATE_ADDRESSES is refuse"):
        find_addresses(address, 443, socket.SOCK_STREAM, reach)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass_the_strict_setting(address: str) -> None:
    """What anybody on the internet may reach is reached."""
    assert find_addresses(address, 443, socket.SOCK_STREAM, PUBLIC_ONLY)


def test_nonsense_in_the_setting_is_told() -> None:
    """A word that is neither does not count as either."""
    with pytest.raises(ConfigError, match="LOGFERRY_PRIVATE_ADDRESSES: 'no' is not allow or refuse"):
        Reach.of({"LOGFERRY_PRIVATE_ADDRESSES": "no"})


@pytest.mark.parametrize("environ", [{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}, {"FC_SERVER_PORT": "9001"}])
def test_the_functions_own_platform_is_refused(environ: dict[str, str]) -> None:
    """A task that posts to the runtime's own interface could answer or end other calls; other ports stay open."""
    reach = Reach.of(environ)
    for host in ("127.0.0.1", "127.1", "0", "::ffff:127.0.0.1"):
        with pytest.raises(Misconfigured, match="with port 9001 is this function's own platform"):
            find_addresses(host, 9001, socket.SOCK_STREAM, reach)
    assert find_addresses("127.0.0.1", 8088, socket.SOCK_STREAM, reach)


def resolver(*answers: str) -> Resolve:
    """One whose answer for the same name changes each time."""
    left = list(answers)
    return lambda _host, port, **_kind: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (left.pop(0), port))]


def test_what_was_judged_is_what_is_connected_to() -> None:
    """A name that stands for a metadata service a moment later changes nothing: addresses are handed on, not names."""
    resolve = resolver("127.0.0.1", "169.254.169.254")
    found = find_addresses("rebind.example", 80, socket.SOCK_STREAM, resolve=resolve)
    assert [address.where for address in found] == [("127.0.0.1", 80)]
    with pytest.raises(Misconfigured, match=r"rebind\.example is at 169\.254\.169\.254"):
        find_addresses("rebind.example", 80, socket.SOCK_STREAM, resolve=resolve)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    """A name that also stands for a metadata service is no receiver's."""

    def resolve(_host: str, port: int, **_kind: object) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, 1, 0, "", (address, port)) for address in ("127.0.0.1", "169.254.169.254")]

    with pytest.raises(Misconfigured, match="link-local"):
        find_addresses("mixed.example", 80, socket.SOCK_STREAM, resolve=resolve)


def test_behind_a_proxy_literal_addresses_are_judged_and_names_are_not() -> None:
    """Only the proxy knows what a name stands for; an address is one in every spelling."""
    for spelling in ("169.254.169.254", "2852039166", "::ffff:a9fe:a9fe"):
        with pytest.raises(Misconfigured, match="link-local"):
            judge_target(spelling, 80)
    judge_target("splunk.example", 8088, PUBLIC_ONLY)
    judge_target("8.8.8.8", 8088, PUBLIC_ONLY)


def test_streams_and_datagrams_ask_before_they_connect() -> None:
    """TCP, TLS and UDP: no byte, not even a handshake, goes to what is refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(0.1)
        with pytest.raises(Misconfigured, match="loopback"):
            open_socket("127.0.0.1", port, 1.0, time.monotonic, PUBLIC_ONLY)
        with pytest.raises(Misconfigured, match="loopback"):
            Stream("127.0.0.1", port, reach=PUBLIC_ONLY).connect(1.0)
        with pytest.raises(Misconfigured, match="loopback"):
            Datagrams("127.0.0.1", port, reach=PUBLIC_ONLY).write([b"x"], 1.0)
        with pytest.raises(TimeoutError):
            server.accept()
