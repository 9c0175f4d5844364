"""Each function's role of `template.yaml` against the calls that its code makes: all are allowed, none is to spare."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from tests.fakes.aws import ENVIRON
from tests.fakes.aws_calls import Calls, Seen
from tests.functions.conftest import Mounted
from tests.functions.rehearsal import rehearsing
from tests.functions.scenes import SCENES
from tests.functions.stack import Stack

NAMES = [scene.__name__ for scene in SCENES]
# What Lambda itself does with the function's role; the code calls none of it.
BY_LAMBDA = {
    "logs:CreateLogStream": "writes what the function prints",
    "logs:PutLogEvents": "writes what the function prints",
    "sqs:SendMessage": "tells the queue FailedCalls of an asynchronous call that failed for good",
    "kinesis:DescribeStream": "polls the stream",
    "kinesis:DescribeStreamSummary": "polls the stream",
    "kinesis:GetRecords": "polls the stream",
    "kinesis:GetShardIterator": "polls the stream",
    "kinesis:ListShards": "polls the stream",
    "sqs:ReceiveMessage": "polls the queue",
    "sqs:DeleteMessage": "polls the queue",
    "sqs:GetQueueAttributes": "polls the queue",
    "kms:Decrypt": "decrypts what it polls; S3 does so for a reader of an encrypted object",
}


@pytest.fixture(scope="module")
def stack() -> Stack:
    """Everything on that gives a role a right."""
    return Stack(DestinationBucketName="archive", OwnLogBucket="yes", LogBucketName="their-logs", MaxTasks="100")


@pytest.fixture(scope="module")
def calls(stack: Stack, mounted: Mounted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """After every scene."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        with rehearsing(tmp_path_factory.mktemp("rehearsal"), mounted, stack) as made:
            for scene in SCENES:
                scene(made)
            yield made.calls


def allowed(stack: Stack, name: str) -> list[Seen]:
    """What the role allows, one action on one resource each."""
    statements = stack.statements(name)
    return [Seen(action, where) for one in statements for action in one["Action"] for where in one["Resource"]]


def covers(grant: Seen, seen: Seen) -> bool:
    """Whether the grant is for this call. In ARNs `*` and `?` are wildcards."""
    return grant.action == seen.action and fnmatchcase(seen.resource, grant.resource)


@pytest.mark.parametrize("name", NAMES)
def test_every_call_is_allowed(calls: Calls, stack: Stack, name: str) -> None:
    """The role has each action on each resource that the code asked for, in good times and in bad ones."""
    grants = allowed(stack, name)
    assert [seen for seen in sorted(calls.of(name)) if not any(covers(grant, seen) for grant in grants)] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_that_is_not_called(calls: Calls, stack: Stack, name: str) -> None:
    """Each action of the role was seen on its resource, but for what Lambda itself does with it."""
    seen = calls.of(name)
    spare = [grant for grant in allowed(stack, name) if not any(covers(grant, one) for one in seen)]
    assert [grant for grant in spare if grant.action not in BY_LAMBDA] == []


def test_every_function_has_its_scene(stack: Stack) -> None:
    """A function without one would be allowed anything, or nothing."""
    codes = {it["CodeUri"] for it in stack.resources("AWS::Serverless::Function").values()}
    assert codes == {f"dist/function-{name}.zip" for name in NAMES}
