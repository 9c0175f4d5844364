"""http_server's options: every limit is refused with one clear line, and no value of a header or URL is repeated."""

import pytest

from logferry.config import load
from logferry.destinations.http_server import Config
from logferry.errors import ConfigError

URL = "https://logs.example.com/v1/in"
KEY = "secret://env/KEY"


def problems(**options: object) -> list[str]:
    """What is wrong with these."""
    with pytest.raises(ConfigError) as caught:
        load(Config, {"url": URL, **options})
    return caught.value.problems


def numbered(count: int) -> dict[str, str]:
    """So many names."""
    return {f"x-{number}": "1" for number in range(count)}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"url": "logs.example.com/in"}, "url: does not begin with http:// or https://"),
        ({"url": "ftp://logs.example.com/in"}, "url: does not begin with http:// or https://"),
        ({"url": "https:///in"}, "url: has no host"),
        ({"url": "https://a:70000/in"}, "url: has no valid host and port"),
        ({"url": "https://user:hunter2@a/in"}, "url: holds credentials, expected none: write headers: "),
        ({"url": f"{URL}#top"}, "url: holds #"),
        ({"url": f"{URL}?access_token=hunter2"}, "url: its parameter access_token: gives access by its name"),
        ({"url": f"{URL}?x=secret://env/A"}, "url: its parameter x names a secret: write it under params"),
        ({"compress": "lz4"}, "compress: 'lz4' is not one of gzip, no, none, snappy, snappy_framed, zlib, zstd"),
        ({"method": "GET"}, "method: 'GET' is not one of POST, PUT"),
        ({"headers": numbered(21)}, "headers: 21 names, at most 20 are allowed"),
        ({"params": numbered(21)}, "params: 21 names, at most 20 are allowed"),
        ({"headers": {"Bad Name": "1"}}, "headers.Bad Name: is not a header's name"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A: its value (not shown) holds a line break"),
        ({"headers": {"X-A": "ü"}}, "headers.X-A: its value (not shown) holds a line break"),
        ({"headers": {"X-A": " blank"}}, "headers.X-A: its value (not shown) holds a line break"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers.Transfer-Encoding: is set by the connection"),
        ({"headers": {"host": "b.example"}}, "headers.host: is set by the connection"),
        ({"headers": {"Content-Encoding": "gzip"}}, "headers.Content-Encoding: is set by the connection"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.x-a: stands there twice"),
        ({"headers": {"Authorization": "Bearer hunter2"}}, "headers.Authorization: gives access by its name"),
        ({"headers": {"X-Api-Key": "hunter2"}}, "headers.X-Api-Key: gives access by its name"),
        ({"headers": {"Cookie": "hunter2"}}, "headers.Cookie: gives access by its name"),
        ({"headers": {"X-A": "secret://nothing"}}, "headers.X-A: is not a reference to a secret"),
        ({"headers": {"X-A": "hunter2" * 600}}, "headers.X-A: its value (not shown) is not text of at most 4096"),
        ({"headers": {"X-A": 5}}, "headers.X-A: its value (not shown) is not text"),
        ({"headers": "X-A: hunter2"}, "headers: its value (not shown) is not a mapping of names and texts"),
        ({"params": {"sig": "hunter2"}}, "params.sig: gives access by its name"),
        ({"params": {"apiKey": "hunter2"}}, "params.apiKey: gives access by its name"),
        ({"params": {"": "1"}}, "params.'': is not a name"),
        ({"params": {"a\nb": "1"}}, r"params.'a\nb': is not a name"),
        ({"url": f"{URL}?site=a", "params": {"site": "b"}}, "params.site: stands in the url too"),
        ({"auth": {}}, "auth.private_key: is missing"),
        ({"auth": {"private_key": "hunter2"}}, "auth.private_key: is not a reference to a secret (not shown)"),
        ({"auth": {"private_key": KEY, "expired_time": "0s"}}, "auth.expired_time: 0s is not between 1s and 365d"),
        ({"auth": {"private_key": KEY, "expired_time": 0}}, "auth.expired_time: 0 is not"),
        ({"auth": {"private_key": KEY, "path": "/a b"}}, "auth.path: '/a b' is not a path as it is sent"),
        ({"auth": {"private_key": KEY, "path": "/a/../b"}}, "auth.path: '/a/../b' is not a path as it is sent"),
        ({"auth": {"private_key": KEY, "path": "/a?b=c"}}, "auth.path: '/a?b=c' is not a path as it is sent"),
        ({"auth": {"private_key": KEY}, "params": {"auth_key": KEY}}, "auth: makes the parameter auth_key"),
        ({"max_records": 0}, "max_records: 0 is not between 1 and 100000"),
        ({"max_bytes": 999}, "max_bytes: 999 is not between 1000 and 67108864"),
        ({"max_retries": 101}, "max_retries: 101 is not between 0 and 100"),
        ({"timeout": "0s"}, "timeout: 0s is not more than 0s"),
        ({"in_flight": 65}, "in_flight: 65 is not between 1 and 64"),
        ({"verify": False, "ca_file": "/ca.pem"}, "ca_file: has no use with verify: false"),
        ({"proxy": "http://user:hunter2@proxy:3128"}, "proxy: holds credentials"),
        ({"output": {"separator": ""}}, "output.separator: ''"),
    ],
)
def test_limit_is_refused_in_one_line(options: dict[str, object], line: str) -> None:
    """One mistake, one line that says what and where; what may be a credential is not in it."""
    found = problems(**options)
    assert len(found) == 1
    assert found[0].startswith(line)
    assert "hunter2" not in found[0]


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody has to correct one to hear of the next."""
    assert len(problems(compress="br", headers=numbered(21), params=numbered(21), url="a", in_flight=0)) == 5


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Token-Type", "Keyword", "partition-key", "X-Site", "tokens"])
def test_harmless_name_may_have_a_value(name: str) -> None:
    """Only a name whose last word gives access demands a secret."""
    assert load(Config, {"url": URL, "headers": {name: "1"}}).headers == {name: "1"}


def test_the_limits_themselves_are_allowed() -> None:
    """20 headers, 20 parameters, `no` for none, seconds as a number."""
    made = load(
        Config,
        {
            "url": f"{URL}?a=b", "compress": "no", "headers": numbered(20), "params": numbered(20),
            "auth": {"private_key": KEY, "expired_time": 600, "path": "v1/log/upload"},
        },
    )  # fmt: skip
    assert made.auth is not None
    assert made.auth.validity == 600
    assert len(made.headers) == len(made.params) == 20


def test_defaults_are_the_documented_examples() -> None:
    """1000 records, 5 MB, 3 repeats, 10 s, 300 s: what ESA's documents show."""
    made = load(Config, {"url": URL, "auth": {"private_key": KEY}})
    assert (made.max_records, made.max_bytes, made.max_retries, made.timeout) == (1000, 5_000_000, 3, "10s")
    assert made.auth is not None
    assert (made.auth.validity, made.compress) == (300, "none")
