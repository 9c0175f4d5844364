"""What a task's user must grant: exactly the actions that are used, on exactly the task's place."""

from typing import Any

import pytest

from logferry import policies, registry, task
from logferry.policies import Grant, Whom, of
from logferry.sls.actions import ACTIONS

SLS = {"sls": {"endpoint": "https://cn-hangzhou-intranet.log.aliyuncs.com", "project": "esa-logs", "logstore": "edge"}}
HEC = {"splunk_hec": {"url": "https://h:1", "token": "secret://env/T"}}
S3 = {"bucket": "waf-logs", "path": "esa/{task}", "region": "eu-west-1"}


def grants(destination: dict[str, Any], side: str = "destination", whom: Whom = Whom()) -> list[Grant]:  # noqa: B008  # a constant
    """Of a task `edge-copy` from a logstore to there."""
    made = task.load({"task": "edge-copy", "source": SLS, "destination": destination})
    return [grant for its, grant in of(made, whom) if its == side]


def statements(grant: Grant) -> list[dict[str, Any]]:
    """Of its document."""
    assert grant.document is not None
    found: list[dict[str, Any]] = grant.document["Statement"]
    return found


def test_reading_a_logstore() -> None:
    """Shards, cursors and data, settings; consumer groups apart, for workers; and the trust of functions."""
    reading, workers, trust = grants(HEC, "source", Whom(account="123"))
    here = "acs:log:cn-hangzhou:123:project/esa-logs/logstore/edge"
    assert reading.document == {
        "Version": "1",
        "Statement": [{
            "Effect": "Allow", "Action": ["log:ListShards", "log:GetCursorOrData", "log:GetLogStore"],
            "Resource": [here],
        }],
    }  # fmt: skip
    (sharing,) = statements(workers)
    assert sharing["Resource"] == [f"{here}/consumergroup/*"]
    assert set(sharing["Action"]) == {name for name in ACTIONS.values() if "onsumerGroup" in name} - {
        "log:DeleteConsumerGroup"
    }
    assert statements(trust) == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}}
    ]


@pytest.mark.parametrize(
    ("options", "region"),
    [({"region": "cn-shanghai"}, "cn-shanghai"), ({"endpoint": "ap-southeast-1.log.aliyuncs.com"}, "ap-southeast-1"),
     ({"endpoint": "http://127.0.0.1:1"}, "*")],
)  # fmt: skip
def test_writing_a_logstore(options: dict[str, Any], region: str) -> None:
    """To put logs and to look, on that logstore alone; a region or account that is not known is any."""
    writing, trust = grants({"sls": {"project": "central", "logstore": "edge", **options}})
    assert statements(writing) == [{
        "Effect": "Allow", "Action": ["log:PostLogStoreLogs", "log:GetLogStore"],
        "Resource": [f"acs:log:{region}:*:project/central/logstore/edge"],
    }]  # fmt: skip
    assert trust.document


def test_a_bucket_of_s3() -> None:
    """Only puts, only below the task's path; the bucket's own policy names who delivers."""
    arn = "arn:aws:iam::123456789012:role/logferry"
    own, bucket = grants({"s3": S3}, whom=Whom(principal=arn))
    resource = "arn:aws:s3:::waf-logs/esa/edge-copy/*"
    wanted = {"Sid": "LogferryDelivers", "Effect": "Allow", "Action": ["s3:PutObject"], "Resource": resource}
    assert own.document == {"Version": "2012-10-17", "Statement": [wanted]}
    assert statements(bucket) == [{**wanted, "Principal": {"AWS": [arn]}}]
    assert "--principal ARN" in str(statements(grants({"s3": S3})[1])[0]["Principal"])


@pytest.mark.parametrize(
    ("options", "resource"),
    [({"path": ""}, "arn:aws:s3:::waf-logs/*"), ({"region": "cn-north-1"}, "arn:aws-cn:s3:::waf-logs/esa/edge-copy/*"),
     ({"region": "us-gov-west-1"}, "arn:aws-us-gov:s3:::waf-logs/esa/edge-copy/*"),
     ({"path": "a*b?c$"}, "arn:aws:s3:::waf-logs/a${*}b${?}c${$}/*")],
)  # fmt: skip
def test_the_resource_is_the_path_and_nothing_else(options: dict[str, Any], resource: str) -> None:
    """The root, other partitions, and characters that a policy would read as wildcards."""
    assert statements(grants({"s3": {**S3, **options}})[0])[0]["Resource"] == resource


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        ("arn:aws:kms:eu-west-1:1:key/k", "arn:aws:kms:eu-west-1:1:key/k", None),
        ("0a1b", "arn:aws:kms:eu-west-1:*:key/0a1b", None),
        ("alias/waf", "arn:aws:kms:eu-west-1:*:key/*", "alias/waf"),
        ("arn:aws:kms:eu-west-1:1:alias/waf", "arn:aws:kms:eu-west-1:*:key/*", "alias/waf"),
    ],
)
def test_a_key_of_ones_own_is_granted_too(key: str, resource: str, alias: str | None) -> None:
    """SSE-KMS needs data keys: in the policy of who delivers, and in the key's."""
    own, _, of_key = grants({"s3": {**S3, "encryption": "sse_kms", "kms_key_id": key}})
    _, encrypting = statements(own)
    assert (encrypting["Action"], encrypting["Resource"]) == (["kms:GenerateDataKey"], resource)
    wanted = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}} if alias else None
    assert encrypting.get("Condition") == wanted
    (at_key,) = statements(of_key)
    assert at_key["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}


def test_the_accounts_own_key_needs_a_sentence() -> None:
    """There is nothing to grant, and another account cannot use it."""
    *_, key = grants({"s3": {**S3, "encryption": "sse_kms"}})
    assert key.document is None
    assert "nobody of another account can" in key.where


def test_a_bucket_of_oss() -> None:
    """Only puts below the path, the key where there is one, and the trust of functions."""
    options = {"bucket": "waf-logs", "path": "esa", "region": "cn-hangzhou"}
    writing, trust = grants({"oss": options}, whom=Whom(account="123"))
    put = {"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": ["acs:oss:*:123:waf-logs/esa/*"]}
    assert writing.document == {"Version": "1", "Statement": [put]}
    assert statements(trust)[0]["Action"] == "sts:AssumeRole"
    encrypted = grants({"oss": {**options, "encryption": "sse_kms", "kms_key_id": "k-1"}}, whom=Whom(account="123"))[0]
    assert statements(encrypted)[1]["Resource"] == ["acs:kms:cn-hangzhou:123:key/k-1"]


def test_a_bucket_of_another_account_on_oss() -> None:
    """Reached as S3-compatible, granted as OSS: to the RAM user whose key it is."""
    keys = {"access_key_id": "secret://env/A", "secret_access_key": "secret://env/B"}
    there = {"bucket": "waf-logs", "endpoint": "oss-cn-hangzhou.aliyuncs.com", **keys}
    (writing,) = grants({"s3_compatible": there})
    assert statements(writing)[0]["Resource"] == ["acs:oss:*:*:waf-logs/*"]
    (words,) = grants({"s3_compatible": {**there, "endpoint": "https://objects.example"}})
    assert words.document is None


def test_others_need_a_sentence() -> None:
    """A destination outside the clouds says that nothing has to be granted there."""
    (words,) = grants(HEC)
    assert words.document is None
    assert "docs/destinations/splunk_hec.md" in words.where


@pytest.mark.parametrize("room", ["sources", "destinations"])
def test_every_policy_is_of_a_kind_that_there_is(room: str) -> None:
    """A file is found by the kind's name, so it must be one."""
    assert set(registry.names(f"policies.{room}")) <= set(registry.names(room))
    assert policies.__all__ == ["Grant", "Whom", "of"]
