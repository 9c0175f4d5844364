"""`template.yaml`: what it makes by its parameters, kept private, watched, and no wider than it has to be."""

import re
from typing import Any

import pytest
from tests.functions.stack import ACCOUNT, REGION, Stack, document

from logferry.meter import COUNTERS, GAUGES
from logferry.runtime import aws

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:logs"
BUCKETS = "AWS::S3::Bucket"
MAPPINGS = "AWS::Lambda::EventSourceMapping"
PERMISSIONS = "AWS::Lambda::Permission"
CALLERS = ("CallsFailAlarm", "ThrottledAlarm", "NothingRunsAlarm", "StreamLateAlarm")  # AWS's own metrics of functions


def whole() -> Stack:
    """Every condition met."""
    return Stack(
        OwnLogBucket="yes", LogBucketName="their-logs", LogPrefix="waf/", LogGroupName="/their/logs",
        KinesisStreamArn=STREAM, QueueArn=QUEUE, EventKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/abc",
        DestinationBucketName="archive", SubnetIds="subnet-0123456789abcdef0", SecurityGroupIds="sg-0123456789abcdef0",
        FunctionUrls="both", AlarmTopic=f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(document()["Parameters"]))
def test_every_parameter_is_bounded_and_explained(name: str) -> None:
    """What it is, what it may be, and what is said when it is not; the default itself is allowed."""
    about = document()["Parameters"][name]
    assert about["Description"]
    assert about["ConstraintDescription"]
    if "AllowedPattern" in about:
        assert re.search(about["AllowedPattern"], about["Default"])
        assert about["AllowedPattern"].startswith("^")
        assert about["AllowedPattern"].endswith("$")
    elif "AllowedValues" in about:
        assert about["Default"] in about["AllowedValues"]
    else:
        assert about["MinValue"] <= about["Default"] <= about["MaxValue"]


def test_every_parameter_is_shown_in_one_group() -> None:
    """The console and `sam deploy --guided` show all of them, in an order that a reader can follow."""
    groups = document()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(document()["Parameters"])


def test_without_parameters_nothing_rings_but_timers_task_files_and_posts() -> None:
    """Every other way in is somebody's choice."""
    plain = Stack()
    assert set(plain.resources(BUCKETS)) == {"DeadLetters", "TaskFiles"}
    for kind in (MAPPINGS, PERMISSIONS, "AWS::Events::Rule", "AWS::Lambda::Url", "AWS::Logs::SubscriptionFilter"):
        assert plain.resources(kind) == {}
    assert plain.resources("AWS::IAM::ManagedPolicy") == {}


def test_what_calls_forward_may_do_so_from_this_account_alone() -> None:
    """Each service names its source: no bucket, log group or rule of somebody else rings."""
    permissions = whole().resources(PERMISSIONS)
    services = {name: it for name, it in permissions.items() if it["Principal"] != "*"}
    assert {it["Principal"] for it in services.values()} == {
        "events.amazonaws.com", "logs.amazonaws.com", "s3.amazonaws.com",
    }  # fmt: skip
    for it in services.values():
        assert it["SourceArn"]
        assert it["Principal"] == "events.amazonaws.com" or it["SourceAccount"] == ACCOUNT
    assert services["LogGroupPermission"]["SourceArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/their/logs:*"


def test_only_a_functions_url_is_open_to_all() -> None:
    """Both permissions that a URL needs, none that would let strangers call in another way."""
    opened = [it for it in whole().resources(PERMISSIONS).values() if it["Principal"] == "*"]
    ways = sorted((it["Action"], it.get("FunctionUrlAuthType", it.get("InvokedViaFunctionUrl"))) for it in opened)
    assert ways == [("lambda:InvokeFunction", True)] * 2 + [("lambda:InvokeFunctionUrl", "NONE")] * 2
    assert {it["FunctionName"].rpartition(":")[2] for it in opened} == {
        "logferry-receive", "logferry-verify-request",
    }  # fmt: skip


def test_a_batch_that_fails_in_part_is_answered_in_part() -> None:
    """Stream and queue both; a stream's poison is cut out by halves, and what is given up is told to a queue."""
    mappings = whole().resources(MAPPINGS)
    assert {it["EventSourceArn"] for it in mappings.values()} == {STREAM, QUEUE}
    assert [it["FunctionResponseTypes"] for it in mappings.values()] == [["ReportBatchItemFailures"]] * 2
    stream = mappings["KinesisMapping"]
    assert (stream["BisectBatchOnFunctionError"], stream["StartingPosition"]) == (True, "TRIM_HORIZON")
    assert (stream["MaximumRecordAgeInSeconds"], stream["MaximumRetryAttempts"]) == (-1, -1)  # nothing by itself
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:FailedCalls"


def test_objects_ring_by_way_of_their_own_bucket_or_of_eventbridge() -> None:
    """The stack's own bucket calls directly; one that is there already is not touched, and only its prefix rings."""
    stack = whole()
    (told,) = stack.resources(BUCKETS)["LogObjects"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    (rule,) = stack.resources("AWS::Events::Rule").values()
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": ["their-logs"]}, "object": {"key": [{"prefix": "waf/"}]},
    }  # fmt: skip
    (unfiltered,) = Stack(LogBucketName="their-logs").resources("AWS::Events::Rule").values()
    assert unfiltered["EventPattern"]["detail"] == {"bucket": {"name": ["their-logs"]}}


def test_buckets_are_kept_private_encrypted_versioned_and_tls_only() -> None:
    """They hold customers' logs; deleting the stack does not delete them."""
    stack = whole()
    buckets = stack.resources(BUCKETS)
    assert set(buckets) == {"DeadLetters", "LogObjects", "TaskFiles"}
    policies = {it["Bucket"]: it for it in stack.resources("AWS::S3::BucketPolicy").values()}
    for name, bucket in buckets.items():
        assert document()["Resources"][name]["DeletionPolicy"] == "Retain"
        assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        (only,) = policies[bucket.get("BucketName", name.lower())]["PolicyDocument"]["Statement"]
        assert (only["Effect"], only["Principal"], only["Condition"]) == (
            "Deny", "*", {"Bool": {"aws:SecureTransport": "false"}},
        )  # fmt: skip


def alarms() -> dict[str, dict[str, Any]]:
    """By name, everything on."""
    return whole().resources("AWS::CloudWatch::Alarm")


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at: name space, name, dimensions."""
    if "Metrics" not in alarm:
        return [alarm]
    return [it["MetricStat"]["Metric"] for it in alarm["Metrics"] if "MetricStat" in it]


@pytest.mark.parametrize("name", sorted(alarms()))
def test_every_alarm_tells_the_topic_and_says_what_it_means(name: str) -> None:
    """One topic for all; none of them is silent for a missing name."""
    alarm = alarms()[name]
    assert alarm["AlarmActions"] == [f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"]
    assert len(alarm["AlarmDescription"]) > 20
    assert alarm["TreatMissingData"] in ("notBreaching", "breaching")


def test_alarms_look_at_metrics_that_are_written() -> None:
    """Each name is one of the meter's, its dimension the one that runtime/aws writes without the task."""
    names = {it["FunctionName"] for it in whole().resources("AWS::Serverless::Function").values()}
    seen = set()
    for name, alarm in alarms().items():
        for metric in metrics(alarm):
            if metric["Namespace"] != aws.NAMESPACE or name == "ErrorAlarm":
                continue
            (dimension,) = metric["Dimensions"]
            assert dimension["Name"] == "function"
            assert dimension["Value"] in names
            seen.add(metric["MetricName"])
    assert seen == {"gaps", "held", "lag_over_max", "parked", "retention_left_seconds"}
    assert seen <= {*COUNTERS, *GAUGES}


def test_alarms_look_at_every_function() -> None:
    """Errors, throttles and lines of level error of all six; dimension names are Lambda's."""
    names = {it["FunctionName"] for it in whole().resources("AWS::Serverless::Function").values()}
    for name in CALLERS:
        dimensions = [it["Dimensions"][0] for it in metrics(alarms()[name])]
        assert {it["Name"] for it in dimensions} == {"FunctionName"}
        assert {it["Value"] for it in dimensions} <= names
        assert len(dimensions) == (len(names) if name in CALLERS[:2] else 1)
    logs = {it["LogGroupName"] for it in whole().resources("AWS::Logs::MetricFilter").values()}
    assert len(logs) == len(names)


def test_no_role_has_a_wildcard_but_for_network_interfaces() -> None:
    """Actions and resources by name, one role a function; for Lambda's own calls EC2 knows no narrower one."""
    stack = whole()
    functions = stack.resources("AWS::Serverless::Function").values()
    assert len({it["Role"] for it in functions}) == len(list(functions)) == len(stack.resources("AWS::IAM::Role"))
    for props in functions:
        for one in stack.statements(props["CodeUri"].removeprefix("dist/function-").removesuffix(".zip")):
            assert not [action for action in one["Action"] if "*" in action]
            assert "*" not in one["Resource"]
            assert set(one) == {"Sid", "Effect", "Action", "Resource"}
    assert set(stack.resources("AWS::IAM::ManagedPolicy")) == {"VpcAccess"}
    inside = [name for name, it in stack.resources("AWS::IAM::Role").items() if "ManagedPolicyArns" in it]
    assert sorted(inside) == ["ForwardRole", "ProveOwnershipRole", "ReceiveRole", "ReplayRole", "SweepRole"]
    assert not [it for it in Stack().resources("AWS::IAM::Role").values() if "ManagedPolicyArns" in it]


def test_who_gives_verdicts_reaches_no_data() -> None:
    """Strangers may call verify_request: its log and the senders' secret, no row, no object, no network of ours."""
    stack = whole()
    allowed = {action for one in stack.statements("verify_request") for action in one["Action"]}
    assert allowed == {"logs:CreateLogStream", "logs:PutLogEvents", "secretsmanager:GetSecretValue"}
    (secret,) = [one for one in stack.statements("verify_request") if one["Sid"] == "SenderSecret"]
    assert secret["Resource"] == [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:logferry-senders-??????"]
    assert "VpcConfig" not in stack.resources("AWS::Serverless::Function")["VerifyRequestFunction"]


def test_the_api_lets_no_more_through_than_it_is_told() -> None:
    """Strangers cannot spend the account's concurrency: rate and burst are parameters."""
    (api,) = Stack(RequestRate="7").resources("AWS::Serverless::HttpApi").values()
    assert api["DefaultRouteSettings"] == {"ThrottlingRateLimit": "7", "ThrottlingBurstLimit": 100}
