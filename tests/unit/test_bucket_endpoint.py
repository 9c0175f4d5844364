"""Endpoints taken apart, and where the objects of a bucket are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.buckets.endpoint import Address, Addressing, Endpoint, parse, region_of
from logferry.errors import ConfigError

_PRIVATE = "bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com"  # "bucket" is a part of each such name


@pytest.mark.parametrize(
    ("text", "host", "region"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", "s3.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("https://s3.oss-cn-hangzhou.aliyuncs.com", "s3.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("https://s3.oss-cn-hangzhou.aliyuncs.com/", "s3.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("oss-cn-hangzhou-internal.aliyuncs.com", "s3.oss-cn-hangzhou-internal.aliyuncs.com", "cn-hangzhou"),
        ("OSS-AP-Southeast-1.aliyuncs.com", "s3.oss-ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
        ("oss-cn-beijing-finance-1.aliyuncs.com", "s3.oss-cn-beijing-finance-1.aliyuncs.com", "cn-beijing-finance-1"),
        ("oss-accelerate.aliyuncs.com", "s3.oss-accelerate.aliyuncs.com", ""),
        ("s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", ""),
        (_PRIVATE, _PRIVATE, ""),
        ("https://storage.example", "storage.example", ""),
    ],
)  # fmt: skip
def test_vendors_endpoints_are_taken_apart(text: str, host: str, region: str) -> None:
    """`oss-{region}.aliyuncs.com`, with `s3.` or `-internal` or without, tells the region."""
    endpoint = parse(text)
    assert (endpoint.host, region_of(endpoint)) == (host, region)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("storage.example", Endpoint("https", "storage.example")),
        ("http://storage.example:9000", Endpoint("http", "storage.example", 9000)),
        (" HTTPS://Storage.Example/ ", Endpoint("https", "storage.example")),
        ("http://127.0.0.1:9000", Endpoint("http", "127.0.0.1", 9000)),
        ("http://[::1]:9000", Endpoint("http", "[::1]", 9000)),
    ],
)
def test_scheme_and_port_are_optional(text: str, endpoint: Endpoint) -> None:
    """Without a scheme it is https."""
    assert parse(text) == endpoint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("https://storage.example/logs", r"has a path \('/logs'\): write it as bucket and path"),
        ("storage.example/logs/waf", "has a path"),
        ("https://demo.oss-cn-hangzhou.aliyuncs.com", "begins with a bucket .'demo'.: write bucket: demo and oss-cn-"),
        ("demo.s3.oss-cn-hangzhou.aliyuncs.com", "write bucket: demo and s3.oss-cn-hangzhou"),
        ("https://demo.s3.eu-west-1.amazonaws.com", "begins with a bucket"),
        ("ftp://storage.example", "'ftp' is not http or https"),
        ("https://user:hunter2@storage.example", "holds @"),
        ("https://storage.example?x=1", "holds @, [?] or #"),
        ("https://storage.example#x", "holds @, [?] or #"),
        ("https://storage.example:99999", "port or address cannot be"),
        ("https://", "is not a host"),
        ("https://a_b/", ""),
        ("https://-a.example", "is not a host"),
        ("https://a..example", "is not a host"),
        ("https://a b", "is not a host"),
        ("https://storage.example\n", ""),
        ("https://a.example\r\nHost: b", "is not a host|cannot be|path"),
    ],
)
def test_what_is_no_endpoint_is_refused_in_one_line(text: str, says: str) -> None:
    """A bucket, a path, credentials, a foreign scheme; a password is not repeated."""
    if not says:
        parse(text)
        return
    with pytest.raises(ConfigError, match=says) as caught:
        parse(text)
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]
    assert "hunter2" not in str(caught.value)


@settings(max_examples=80)
@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_a_config_error(text: str) -> None:
    """Nothing else is raised, and what is taken is safe in a URL."""
    try:
        endpoint = parse(text)
    except ConfigError:
        return
    assert endpoint.host.isascii()
    assert not set(endpoint.host) & set(" /?#@\r\n\t")


@pytest.mark.parametrize(
    ("endpoint", "addressing", "url", "host"),
    [
        ("https://store.example", "virtual", "https://logs.store.example/a%20b/c%3D1", "logs.store.example"),
        ("https://store.example", "path", "https://store.example/logs/a%20b/c%3D1", "store.example"),
        ("http://s.example:9000", "virtual", "http://logs.s.example:9000/a%20b/c%3D1", "logs.s.example:9000"),
        ("https://store.example:443", "path", "https://store.example/logs/a%20b/c%3D1", "store.example"),
        ("http://localhost:9000", "virtual", "http://localhost:9000/a%20b/c%3D1", "logs.localhost:9000"),
        ("http://[::1]:9000", "path", "http://[::1]:9000/logs/a%20b/c%3D1", "[::1]:9000"),
    ],
)  # fmt: skip
def test_the_bucket_is_in_the_host_or_in_the_path(endpoint: str, addressing: Addressing, url: str, host: str) -> None:
    """And the key is encoded once, slashes kept."""
    address = Address(parse(endpoint), "logs", addressing).checked()
    assert (address.url("a b/c=1"), address.host) == (url, host)


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("http://127.0.0.1:9000", "write addressing: path"),
        ("http://[::1]:9000", "write addressing: path"),
        ("https://logs.store.example", "begins with the bucket already: write store.example"),
    ],
)
def test_a_bucket_that_cannot_stand_before_the_host_is_refused(endpoint: str, says: str) -> None:
    """Before a number, or twice."""
    with pytest.raises(ConfigError, match=says):
        Address(parse(endpoint), "logs", "virtual").checked()
