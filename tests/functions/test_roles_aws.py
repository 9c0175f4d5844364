"""Each function's role of `template.yaml` against the calls that its code makes: all are allowed, none is to spare."""

from collections.abc import Iterator

import pytest
from tests.fakes.aws import ENVIRON
from tests.fakes.recorder import Recorder, Seen
from tests.functions import grants
from tests.functions.conftest import Mounted
from tests.functions.rehearsal_aws import rehearsing
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
def recorder(stack: Stack, mounted: Mounted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """After every scene."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        with rehearsing(tmp_path_factory.mktemp("rehearsal"), mounted, stack) as made:
            for scene in SCENES:
                scene(made)
            yield made.recorder


def allowed(stack: Stack, name: str) -> list[Seen]:
    """What the role allows, one action on one resource each."""
    statements = stack.statements(name)
    return [Seen(action, where) for one in statements for action in one["Action"] for where in one["Resource"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_call_is_allowed(recorder: Recorder, stack: Stack, name: str) -> None:
    """The role has each action on each resource that the code asked for, in good times and in bad ones."""
    assert grants.missing(recorder.of(name), allowed(stack, name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_that_is_not_called(recorder: Recorder, stack: Stack, name: str) -> None:
    """Each action of the role was seen on its resource, but for what Lambda itself does with it."""
    spare = grants.spare(recorder.of(name), allowed(stack, name))
    assert [grant for grant in spare if grant.action not in BY_LAMBDA] == []


def test_every_function_has_its_scene(stack: Stack) -> None:
    """A function without one would be allowed anything, or nothing."""
    codes = {it["CodeUri"] for it in stack.resources("AWS::Serverless::Function").values()}
    assert codes == {f"dist/function-{name}.zip" for name in NAMES}
