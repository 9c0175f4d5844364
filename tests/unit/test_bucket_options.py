"""Every mistake in the options of a bucket is refused at check, in one clear line."""

import pytest

from logferry import registry
from logferry.config import load
from logferry.errors import ConfigError

KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
VALID: dict[str, dict[str, object]] = {
    "s3": {"bucket": "waf-logs", "region": "eu-west-1"},
    "oss": {"bucket": "waf-logs", "region": "cn-hangzhou"},
    "s3_compatible": {"bucket": "waf-logs", "endpoint": "https://store.example", **KEYS},
}


def problems(kind: str, **options: object) -> list[str]:
    """What is wrong with these options; those that are None are left out."""
    given = {name: value for name, value in (VALID[kind] | options).items() if value is not None}
    try:
        load(registry.find("destinations", kind).Config, given)
    except ConfigError as error:
        return error.problems
    return []


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bucket": "waf-logs/a/b"}, "bucket: 'waf-logs/a/b' holds a path too: write bucket: waf-logs and path: a/b"),
        ({"bucket": "/waf-logs/"}, "is no bucket's name"),
        ({"bucket": "Waf"}, "is no bucket's name, expected 3 to 63"),
        ({"bucket": "ab"}, "is no bucket's name"),
        ({"bucket": "a" * 64}, "is no bucket's name"),
        ({"bucket": "waf-logs\n"}, "is no bucket's name"),
        ({"bucket": "192.0.2.1"}, "is no bucket's name"),
        ({"path": "a/../b"}, "path: 'a/../b' has an empty part, a . or a .."),
        ({"path": "/a"}, "begins with a slash"),
        ({"path": "a\x07"}, "cannot be seen"),
        ({"path": "{yyyy}"}, "{yyyy} is not one of {task}; write the date into date_path"),
        ({"path": "/".join(["x" * 200] * 5)}, "are left of a key's 1024"),
        ({"date_path": "{day}"}, "date_path: '{day}' {day} is not one of {yyyy}, {MM}, {dd}"),
        ({"compress": "zlib"}, "compress: 'zlib' is not one of"),
        ({"output": {"format": "xml"}}, "output.format: 'xml' is not one of"),
        ({"output": {"format": "csv"}}, "output.columns: is missing"),
        ({"encryption": "aes"}, "encryption: 'aes' is not one of"),
        ({"kms_key_id": "k"}, "kms_key_id: has no use without encryption: sse_kms"),
        ({"kms_key_id": "k\r\nx: y", "encryption": "sse_kms"}, "kms_key_id: holds characters"),
        ({"storage_class": "A\r\nB"}, "storage_class: "),
        ({"timeout": "0s"}, "timeout: 0s is not more than 0s"),
        ({"max_bytes": 10**9}, "max_bytes: 1000000000 is not between 1000 and 67108864"),
        ({"max_records": 0}, "max_records: 0 is not between"),
        ({"in_flight": 65}, "in_flight: 65 is not between 1 and 64"),
        ({"ca_file": "x.pem", "verify": False}, "ca_file: has no use with verify: false"),
        ({"secret_access_key": "literal", "access_key_id": "secret://env/ID"}, "is not a reference to a secret"),
        ({"session_token": "literal"}, "session_token: is not a reference to a secret"),
        ({"bucketpath": "a/b"}, "bucketpath: unknown key"),
    ],
    ids=str,
)  # fmt: skip
def test_what_all_three_refuse(kind: str, options: dict[str, object], says: str) -> None:
    """One line that names the option, the value and what is expected; never a secret."""
    found = problems(kind, **options)
    assert [problem for problem in found if says in problem], found
    assert len(found) == 1
    assert "\n" not in found[0]
    assert "literal" not in found[0]


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("s3", {"region": None}, "region: is missing"),
        ("s3", {"region": "eu west"}, "region: 'eu west' is not a region such as eu-west-1"),
        ("s3", {"access_key_id": "secret://env/ID"}, "access_key_id: goes with secret_access_key"),
        ("s3", {"session_token": "secret://env/TOKEN"}, "session_token: goes with access_key_id"),
        ("s3", {"endpoint": "https://waf-logs.s3.eu-west-1.amazonaws.com"}, "endpoint: begins with a bucket"),
        ("oss", {"region": "oss-cn-hangzhou"}, "region: 'oss-cn-hangzhou' begins with oss-, expected cn-hangzhou"),
        ("oss", {"endpoint": "oss-cn-beijing.aliyuncs.com"}, "region: cn-hangzhou is not that of the endpoint"),
        ("oss", {"endpoint": "s3.oss-cn-hangzhou.aliyuncs.com", "internal": True}, "internal: has no use"),
        ("oss", {"bucket": "waf.logs"}, "bucket: 'waf.logs' has a dot"),
        ("s3_compatible", {"endpoint": None}, "endpoint: is missing"),
        ("s3_compatible", {"access_key_id": None}, "access_key_id: is missing"),
        ("s3_compatible", {"secret_access_key": None}, "secret_access_key: is missing"),
        ("s3_compatible", {"endpoint": "https://store.example/waf-logs"}, "endpoint: has a path"),
        ("s3_compatible", {"endpoint": "https://waf-logs.store.example"}, "endpoint: begins with the bucket already"),
        ("s3_compatible", {"endpoint": "http://127.0.0.1:9000"}, "write addressing: path"),
        ("s3_compatible", {"endpoint": "s3://waf-logs"}, "endpoint: 's3' is not http or https"),
        ("s3_compatible", {"endpoint": "oss-cn-beijing.aliyuncs.com", "region": "cn-hangzhou"}, "expected cn-beijing"),
        ("s3_compatible", {"addressing": "dns"}, "addressing: 'dns' is not one of"),
    ],
    ids=str,
)  # fmt: skip
def test_what_one_of_them_refuses(kind: str, options: dict[str, object], says: str) -> None:
    """Regions, endpoints, credentials."""
    found = problems(kind, **options)
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in VALID),
        *((kind, {"compress": word}) for kind in VALID for word in ("gzip", "zstd", "none", "no")),
        ("s3", {"bucket": "logs.with.dots", "path": "a/", "date_path": ""}),
        ("s3", {"endpoint": "http://127.0.0.1:9000"}),
        ("s3", {"encryption": "sse_kms", "kms_key_id": "arn:aws:kms:eu-west-1:111122223333:key/x"}),
        ("oss", {"internal": True}),
        ("oss", {"endpoint": "oss-cn-hangzhou-internal.aliyuncs.com"}),
        ("s3_compatible", {"endpoint": "oss-cn-hangzhou.aliyuncs.com"}),
        ("s3_compatible", {"endpoint": "http://127.0.0.1:9000", "addressing": "path"}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_right_is_taken(kind: str, options: dict[str, object]) -> None:
    """No false alarm."""
    assert problems(kind, **options) == []
