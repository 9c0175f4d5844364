"""Policies of Alibaba Cloud's Resource Access Management (RAM): version 1, `acs:` resources.

Specification: RAM "Policy elements", "Edit the trust policy of a RAM role"; Simple Log Service and OSS, "RAM policies".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from logferry.policies import Grant

__all__ = ["logstore", "policy", "resource", "trust"]

_FUNCTION_COMPUTE = "fc.aliyuncs.com"


def policy(statements: Sequence[tuple[Sequence[str], str]]) -> Mapping[str, Any]:
    """Actions that are allowed on a resource each."""
    allowed = [{"Effect": "Allow", "Action": list(actions), "Resource": [resource]} for actions, resource in statements]
    return {"Version": "1", "Statement": allowed}


def resource(service: str, region: str, account: str, path: str) -> str:
    """What a policy names it; `*` for a region or account that is not known."""
    return f"acs:{service}:{region or '*'}:{account or '*'}:{path}"


def logstore(region: str, account: str, project: str, name: str) -> str:
    """A logstore as a resource."""
    return resource("log", region, account, f"project/{project}/logstore/{name}")


def trust() -> Grant:
    """That functions may take on the role."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": [_FUNCTION_COMPUTE]}}
    where = (
        "the trust policy of the role, where a function delivers: Function Compute then puts the role's key into the "
        "environment; not needed for a RAM user with a key"
    )
    return Grant("trust policy of the RAM role", where, {"Version": "1", "Statement": [statement]})
