"""What any answer at all is taken for: an error with a fate, in one line that repeats nothing of the answer's text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.buckets import answers
from logferry.errors import Misconfigured, Permanent, TooLarge, Transient
from logferry.transport.web import Reply

CODES = st.sampled_from(
    ["SlowDown", "EntityTooLarge", "AccessDenied", "NoSuchBucket", "InternalError", "x" * 90, "a<b", ""]
)
BODIES = st.binary(max_size=80) | CODES.map(
    lambda code: f"<Error><Code>{code}</Code><Message>hunter2</Message>".encode()
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "x-amz-bucket-region", "ETag"]), st.text(max_size=20), max_size=3
)


@settings(max_examples=150)
@given(status=st.integers(100, 599), headers=HEADERS, body=BODIES)
def test_every_answer_has_a_fate(status: int, headers: dict[str, str], body: bytes) -> None:
    """2xx is taken; 401 and 403 are held, 5xx comes again, nothing is ever parked for what a bucket answers."""
    error = answers.fate(Reply(status, headers, body), "bucket b at h", "eu-west-1", 0.0)
    assert (error is None) == (200 <= status < 300)
    if error is None:
        return
    assert isinstance(error, Transient | Misconfigured | TooLarge)
    assert not isinstance(error, Permanent)
    assert str(error).isprintable()
    assert len(str(error)) < 500
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("headers", "body", "region"),
    [
        ({"x-amz-bucket-region": "eu-west-1"}, b"", "eu-west-1"),
        ({"x-amz-bucket-region": "a b\r\nc"}, b"", ""),
        ({}, b"<Region>eu-west-1</Region>", "eu-west-1"),
        ({}, b"<Endpoint>a-eu-b.s3.eu-west-1.amazonaws.com</Endpoint>", "eu-west-1"),
        ({}, b"<Endpoint>a.s3-eu-west-1.amazonaws.com</Endpoint>", "eu-west-1"),
        ({}, b"<Endpoint>oss-cn-hangzhou-internal.aliyuncs.com</Endpoint>", "cn-hangzhou"),
        ({}, b"<Endpoint>a.s3.oss-cn-hangzhou.aliyuncs.com</Endpoint>", "cn-hangzhou"),
        ({}, b"<Endpoint>store.example</Endpoint>", ""),
        ({}, b"x" * 9_000 + b"<Region>eu-west-1</Region>", ""),
    ],
)
def test_a_region_is_read_where_services_tell_it(headers: dict[str, str], body: bytes, region: str) -> None:
    """And nowhere else."""
    assert answers.region_told(Reply(301, headers, body)) == region
