"""Policies of AWS (IAM): version 2012-10-17, `arn:` resources.

Specification: IAM "JSON policy elements", Amazon S3 "Actions, resources, and condition keys", AWS KMS "Key policies".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["PRINCIPAL", "literal", "partition", "policy", "statement"]

PRINCIPAL = "<ARN of the role or user that delivers: --principal ARN>"


def policy(statements: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(name: str, actions: Sequence[str], resource: str, **more: object) -> dict[str, Any]:
    """Something that is allowed."""
    return {"Sid": name, "Effect": "Allow", **more, "Action": list(actions), "Resource": resource}


def partition(region: str) -> str:
    """Of the clouds that AWS keeps apart, the one that a region is in."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def literal(path: str) -> str:
    """A path in which nothing is a wildcard or a variable."""
    return re.sub(r"[*?$]", lambda found: f"${{{found[0]}}}", path)
