"""A bucket to read: objects below the task's prefix, and a list (for `task check --live`, and to tell 404 from 403)."""

from logferry import objects, registry
from logferry.policies import Grant, Whom, iam, ram
from logferry.sources.objects import Config
from logferry.task import Task

__all__ = ["grants"]


def grants(task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the role or user that reads."""
    del task
    kind = options.bucket.partition(":")[0]
    bucket, _ = objects.named(options.bucket)
    region = registry.locate("objects", options.bucket).options.get("region", "")
    if kind == "s3":
        return [_s3(bucket, options.prefix, region)]
    if kind == "oss":
        below = f"{bucket}/{options.prefix}*"
        statements = [
            (["oss:GetObject"], ram.resource("oss", "", whom.account, below)),
            (["oss:ListObjects"], ram.resource("oss", "", whom.account, bucket)),
        ]
        where = "attach it to the RAM user or role whose key reads"
        return [Grant(f"RAM policy to read {bucket}", where, ram.policy(statements)), ram.trust()]
    return [Grant("folder", "no cloud has to grant anything: the files must be readable")]


def _s3(bucket: str, prefix: str, region: str) -> Grant:
    arn = f"arn:{iam.partition(region)}:s3:::{bucket}"
    statements = [
        iam.statement("LogferryReads", ["s3:GetObject"], f"{arn}/{iam.literal(prefix)}*"),
        # Without it S3 answers 403 for an object that is gone, and the task is held instead of going on.
        iam.statement("LogferryLists", ["s3:ListBucket"], arn),
    ]
    where = (
        "attach it to the role or user that reads; a key of KMS that the objects are encrypted with needs kms:Decrypt"
    )
    return Grant(f"IAM policy to read {bucket}", where, iam.policy(statements))
