"""Alibaba Cloud's resource names in `s.yaml`: their form, and whether they are all of one region and one account.

Forms: help.aliyun.com, "ARN" of RAM, and the layers, triggers and destinations of Function Compute 3.0.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import get_args

from logferry_local.deploy_files.fc3 import Region
from logferry_local.deploy_files.fc3_triggers import WITH_SOURCE
from logferry_local.deploy_files.findings import Notes
from logferry_local.deploy_files.nodes import Node, mapping, text_of
from logferry_local.deploy_files.variables import ACCOUNT

__all__ = ["check"]

_ACCOUNT = rf"(?P<account>{ACCOUNT}|[0-9]{{10,20}})"
_REGION = r"(?P<region>[a-z0-9-]+)"
ROLE = "acs:ram::ACCOUNT:role/NAME"
_FORMS = {
    ROLE: rf"acs:ram::{_ACCOUNT}:role/[A-Za-z0-9.@_-]{{1,64}}",
    "acs:fc:REGION:ACCOUNT:layers/NAME/versions/NUMBER":
        rf"acs:fc:{_REGION}:(?:{_ACCOUNT}|official):layers/[A-Za-z0-9_-]+/versions/[1-9][0-9]*",
    "acs:fc:REGION:ACCOUNT:functions/NAME or acs:mns:REGION:ACCOUNT:/queues/NAME/messages":
        rf"acs:(?:fc:{_REGION}:{_ACCOUNT}?:functions/[A-Za-z0-9_-]+(?:/.+)?"
        rf"|(?:mns|eventbridge|mq):(?P<region_>[a-z0-9-]+):(?P<account_>{ACCOUNT}|[0-9]{{10,20}})?:.+)",
    WITH_SOURCE["log"]: rf"acs:log:{_REGION}:{_ACCOUNT}:project/[a-z0-9][a-z0-9_-]{{1,61}}[a-z0-9]",
    WITH_SOURCE["oss"]: rf"acs:oss:{_REGION}:{_ACCOUNT}:[a-z0-9][a-z0-9-]{{1,61}}[a-z0-9]",
    WITH_SOURCE["mns_topic"]: rf"acs:mns:{_REGION}:{_ACCOUNT}:/topics/[A-Za-z0-9_-]+",
    WITH_SOURCE["tablestore"]: rf"acs:ots:{_REGION}:{_ACCOUNT}:instance/[^/]+/table/[^/]+",
    WITH_SOURCE["cdn_events"]: rf"acs:cdn:\*:{_ACCOUNT}",
}  # fmt: skip
_LAYER = "acs:fc:REGION:ACCOUNT:layers/NAME/versions/NUMBER"
_DESTINATION = "acs:fc:REGION:ACCOUNT:functions/NAME or acs:mns:REGION:ACCOUNT:/queues/NAME/messages"


def check(root: Node, notes: Notes) -> None:
    """Note names of another form, of another region than the function's, of another account than most have."""
    accounts: list[tuple[str, Node]] = []
    for resource in mapping(root.get("resources")).values():
        props = resource.get("props")
        if props is None:
            continue
        region = text_of(props.get("region"))
        for form, node in _arns(props):
            found = re.fullmatch(_FORMS[form], text_of(node) or "")
            if found is None:
                notes.at(node, form, f"Write it as {form}.")
                continue
            parts = {name.rstrip("_"): value for name, value in found.groupdict().items() if value}
            there = parts.get("region")
            if there and region in get_args(Region) and there != region:
                fix = f"Write {region}, or move the function to {there}."
                notes.at(node, f"the function's own region, {region}", fix)
            if parts.get("account", ACCOUNT) != ACCOUNT:
                accounts.append((parts["account"], node))
    if not accounts:
        return
    ((most, _),) = Counter(account for account, _ in accounts).most_common(1)
    for account, node in accounts:
        if account != most:
            notes.at(node, f"account {most}, as in the other names", f"Write {most} for the account.")


def _arns(props: Node) -> Iterator[tuple[str, Node]]:
    """Form and node of each name that is known now."""
    role = props.get("role")
    found: list[tuple[str, Node | None]] = [(ROLE, role if text_of(role) != "auto" else None)]
    layers = props.get("layers")
    found += [(_LAYER, layer) for layer in (layers.value if layers and isinstance(layers.value, list) else [])]
    for way in ("onSuccess", "onFailure"):
        found.append((_DESTINATION, props.get("asyncInvokeConfig", "destinationConfig", way, "destination")))
    triggers = props.get("triggers")
    for trigger in triggers.value if triggers and isinstance(triggers.value, list) else []:
        kind = text_of(trigger.get("triggerType")) or ""
        found.append((ROLE, trigger.get("invocationRole")))
        if kind in WITH_SOURCE:
            found.append((WITH_SOURCE[kind], trigger.get("sourceArn")))
    yield from ((form, node) for form, node in found if node is not None and isinstance(node.value, str))
