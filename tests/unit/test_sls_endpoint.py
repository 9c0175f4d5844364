"""Endpoints: what is accepted, where the connection goes, which two are the same service."""

import pytest

from logferry.errors import ConfigError
from logferry.sls.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("cn-x.log.aliyuncs.com", "https://p.cn-x.log.aliyuncs.com", "p.cn-x.log.aliyuncs.com"),
        ("https://CN-x.log.aliyuncs.com/", "https://p.cn-x.log.aliyuncs.com", "p.cn-x.log.aliyuncs.com"),
        ("http://sls.example:8070", "http://p.sls.example:8070", "p.sls.example"),
        ("http://127.0.0.1:8070", "http://127.0.0.1:8070", "p.127.0.0.1"),
        ("http://localhost:1", "http://localhost:1", "p.localhost"),
        ("http://[::1]:8070", "http://[::1]:8070", "p.localhost"),
    ],
)
def test_project_is_a_host_name_or_a_header(text: str, url: str, host: str) -> None:
    """A bare host means https; at an address the connection goes to the address itself."""
    endpoint = Endpoint.parse(text)
    assert (endpoint.url("p"), endpoint.host_header("p")) == (url, host)


def test_without_project_the_host_is_bare() -> None:
    """Calls that have no project go to the endpoint itself."""
    endpoint = Endpoint.parse("https://cn-x.log.aliyuncs.com")
    assert (endpoint.url(""), endpoint.host_header("")) == ("https://cn-x.log.aliyuncs.com", "cn-x.log.aliyuncs.com")


@pytest.mark.parametrize(
    "text",
    ["", "https://", "ftp://h", "http://h/p", "http://u:p@h", "http://h?x", "h:port", "h:99999", "a b", "-h", "[::1"],
)
def test_anything_else_is_refused(text: str) -> None:
    """What is no scheme, host and port is an error that says what was expected."""
    with pytest.raises(ConfigError, match="expected https://HOST"):
        Endpoint.parse(text)


@pytest.mark.parametrize("text", ["http://user:invented@host", "http://user:invented@host:port"])
def test_password_in_an_endpoint_is_not_repeated(text: str) -> None:
    """An error does not show what may be a secret."""
    with pytest.raises(ConfigError) as caught:
        Endpoint.parse(text)
    assert "invented" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://cn-x.log.aliyuncs.com", "http://cn-x-intranet.log.aliyuncs.com", True),
        ("https://cn-x.log.aliyuncs.com", "http://cn-y-intranet.log.aliyuncs.com", False),
        ("http://127.0.0.1:8070", "http://127.0.0.1:8070/", True),
        ("http://127.0.0.1:8070", "http://127.0.0.1:8071", False),
        ("http://sls.example", "http://sls.example:80", True),
        ("https://cn-x.log.aliyuncs.com", "https://cn-x.log.aliyuncs.com.evil.example", False),
    ],
)
def test_same_service_by_another_network(one: str, other: str, same: bool) -> None:  # noqa: FBT001  # a case's outcome
    """Public and intranet endpoints of a region are one place; other hosts are compared with their port."""
    assert (Endpoint.parse(one).place() == Endpoint.parse(other).place()) is same
