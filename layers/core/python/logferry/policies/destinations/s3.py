"""A bucket of Amazon S3: put objects below the task's path, nothing else, and use its key where there is one."""

from typing import Any

from logferry.buckets.naming import folder
from logferry.destinations.s3 import Config
from logferry.policies import Grant, Whom, iam
from logferry.task import Task

__all__ = ["grants"]


def grants(task: Task, options: Config, whom: Whom) -> list[Grant]:
    """For the role or user that delivers, and for the bucket where that is another account's."""
    who = {"AWS": [whom.principal or iam.PRINCIPAL]}
    own = [_putting(task, options)]
    if options.encryption == "sse_kms" and options.kms_key_id:
        own.append(_encrypting(options))
    found = [
        Grant("IAM policy", "attach it to the role or user that delivers", iam.policy(own)),
        Grant(
            f"bucket policy of {options.bucket}",
            "put it into the bucket (with what stands there already) if the bucket belongs to another account than "
            "the role or user; in the same account one of the two is enough",
            iam.policy([_putting(task, options, Principal=who)]),
        ),
    ]
    return found + _key(options, who)


def _putting(task: Task, options: Config, **more: object) -> dict[str, Any]:
    path = folder(task.task, options.path)
    below = f"{iam.literal(path)}/*" if path else "*"
    resource = f"arn:{iam.partition(options.region)}:s3:::{options.bucket}/{below}"
    return iam.statement("LogferryDelivers", ["s3:PutObject"], resource, **more)


def _encrypting(options: Config) -> dict[str, Any]:
    """Use of the key, by its ARN; one that was named in another way is told by what it is used for."""
    key = options.kms_key_id or ""
    if key.startswith("arn:") and ":key/" in key:
        return iam.statement("LogferryEncrypts", ["kms:GenerateDataKey"], key)
    name = f"alias/{key.rpartition('alias/')[2]}" if "alias/" in key else f"key/{key}"
    if name.startswith("alias/"):  # a policy on an alias grants nothing: the key is told by its alias
        resource = f"arn:{iam.partition(options.region)}:kms:{options.region}:*:key/*"
        condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}
        return iam.statement("LogferryEncrypts", ["kms:GenerateDataKey"], resource, Condition=condition)
    resource = f"arn:{iam.partition(options.region)}:kms:{options.region}:*:{name}"
    return iam.statement("LogferryEncrypts", ["kms:GenerateDataKey"], resource)


def _key(options: Config, who: dict[str, list[str]]) -> list[Grant]:
    if options.encryption != "sse_kms":
        return []
    if not options.kms_key_id:
        where = (
            "without kms_key_id the account's own key aws/s3 is used: everybody of the account who may put may use it, "
            "nobody of another account can; name a key for those"
        )
        return [Grant("KMS key", where)]
    service = f"s3.{options.region}.amazonaws.com" + ".cn" * options.region.startswith("cn-")
    statement = iam.statement(
        "LogferryEncrypts", ["kms:GenerateDataKey"], "*",
        Principal=who, Condition={"StringEquals": {"kms:ViaService": service}},
    )  # fmt: skip
    where = "add its statement to the policy of the key; `*` means this key there"
    return [Grant(f"key policy of {options.kms_key_id}", where, iam.policy([statement]))]
