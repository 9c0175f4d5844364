"""`template.yaml` and `s.yaml` say the same, are well formed, and give away nothing."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from logferry import task_files
from logferry_local import packaging
from logferry_local.trigger_runner import descriptor

ROOT = Path(__file__).parents[2]
KNOWN = {
    "LOGFERRY_AUTH_KEYS",
    "LOGFERRY_LEASE_SECONDS", "LOGFERRY_LOG_LEVEL", "LOGFERRY_OBJECTS", "LOGFERRY_SAVE_BYTES", "LOGFERRY_SAVE_SECONDS",
    "LOGFERRY_MAX_TASKS", "LOGFERRY_OWNERSHIP", "LOGFERRY_PRIVATE_ADDRESSES", "LOGFERRY_STATE", "LOGFERRY_TASKS",
}  # fmt: skip
OWN_KEYS = {  # each cloud gives its own key by a role; the other cloud's key comes from outside
    "template.yaml": {"SLS_AK_ID", "SLS_AK_KEY"},
    "s.yaml": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
}


class _Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; `!Ref x` becomes the text `x`."""


def _short_form(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


_Template.add_multi_constructor("!", _short_form)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The SAM template as an object."""
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Template)  # noqa: S506  # its parent is the safe loader
    return found


def resources(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """Properties of the resources of one type, by name."""
    return {name: it.get("Properties", {}) for name, it in template["Resources"].items() if it["Type"] == kind}


def environments(template: dict[str, Any]) -> dict[str, set[str]]:
    """Environment names by file; within one file all functions have the same."""
    props = descriptor.read(ROOT / "s.yaml", environ={}).values()
    (fc,) = {frozenset(found.environment_variables) for found in props}
    return {"template.yaml": set(template["Globals"]["Function"]["Environment"]["Variables"]), "s.yaml": set(fc)}


def test_cfn_lint_finds_nothing() -> None:
    """The SAM template is valid, warnings included."""
    command = [str(Path(sys.executable).with_name("cfn-lint")), "-t", str(ROOT / "template.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_both_files_name_the_functions_of_the_checkout(template: dict[str, Any]) -> None:
    """Neither file forgets one, and each takes the zip that `make package` builds."""
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
    codes = [f"dist/function-{name}.zip" for name in names]
    props = descriptor.read(ROOT / "s.yaml", environ={})
    aws = resources(template, "AWS::Serverless::Function").values()
    assert sorted(props) == names
    assert sorted(found.code for found in props.values()) == codes
    assert sorted(found["CodeUri"] for found in aws) == codes
    assert {found.handler for found in props.values()} == {template["Globals"]["Function"]["Handler"]}


def test_layers_are_those_that_are_built(template: dict[str, Any]) -> None:
    """Every layer named has a zip; Lambda, which brings boto3, is given no second one, and only it has powertools."""
    built = {f"dist/{name}.zip" for name in packaging.names(ROOT) if name.startswith("layer-")}
    aws = {found["ContentUri"] for found in resources(template, "AWS::Serverless::LayerVersion").values()}
    assert aws == built - {"dist/layer-aws.zip"}
    layers = descriptor.read(ROOT / "s.yaml", environ={})["forward"].layers
    there = {f"dist/layer-{arn.split('/logferry-')[1].split('/')[0]}.zip" for arn in layers}
    assert there == built - {"dist/layer-powertools.zip"}


def test_both_clouds_run_the_packaged_python(template: dict[str, Any]) -> None:
    """Bytecode and wheels fit the runtime that the files ask for."""
    wanted = f"python{packaging.TARGET}"
    assert template["Globals"]["Function"]["Runtime"] == wanted
    assert {found.runtime for found in descriptor.read(ROOT / "s.yaml", environ={}).values()} == {wanted}


def test_both_files_set_the_same_environment_names(template: dict[str, Any]) -> None:
    """Beside each cloud's own key for the other, nothing differs."""
    found = environments(template)
    assert found["template.yaml"] - OWN_KEYS["template.yaml"] == found["s.yaml"] - OWN_KEYS["s.yaml"]
    assert all(found[name] >= keys for name, keys in OWN_KEYS.items())


def test_every_logferry_name_is_known_and_documented(template: dict[str, Any]) -> None:
    """A misspelt setting would be ignored by the engine: so each name is one that the code reads."""
    page = (ROOT / "docs/deploy.md").read_text()
    code = "".join(path.read_text() for path in (ROOT / "layers/core/python/logferry").rglob("*.py"))
    for names in environments(template).values():
        assert {name for name in names if name.startswith("LOGFERRY_")} == KNOWN
        assert not [name for name in names if f"`{name}`" not in page]
    assert not [name for name in KNOWN if f'"{name}"' not in code]


def test_no_secret_stands_in_a_deploy_file() -> None:
    """Keys and tokens come from the deploying shell or from the secret store."""
    for name in ("s.yaml", "template.yaml"):
        for line in (ROOT / name).read_text().splitlines():
            match = re.match(r"\s+\w*(?:TOKEN|KEY|KEY_ID|SECRET\w*): (.*)", line)
            assert match is None or match[1].startswith(("${env(", '!Sub "{{resolve:secretsmanager:')), line


def test_own_logs_do_not_land_in_the_watched_logstore() -> None:
    """A function that logs into its own source would ring its own bell."""
    for found in descriptor.read(ROOT / "s.yaml", environ={}).values():
        own = {found.log_config.project}
        watched = {getattr(trigger, "project", None) for trigger in descriptor.triggers({"forward": found})}
        assert not own & watched


def test_the_table_is_the_one_the_state_room_speaks_to(template: dict[str, Any]) -> None:
    """Key names and the time-to-live attribute are DynamoTable's."""
    (table,) = resources(template, "AWS::DynamoDB::Table").values()
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["partition", "sort"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_timer_of_replay_is_off_until_a_person_wants_it(template: dict[str, Any]) -> None:
    """What was refused is not sent again by itself, in neither cloud; and on no retry of the platform's."""
    (schedule,) = resources(template, "AWS::Serverless::Function")["ReplayFunction"]["Events"].values()
    assert template["Parameters"][schedule["Properties"]["State"]]["Default"] == "DISABLED"
    props = descriptor.read(ROOT / "s.yaml", environ={})["replay"]
    assert descriptor.triggers({"replay": props}) == []
    assert [trigger["triggerConfig"]["enable"] for trigger in props.triggers] == [False]


def test_dead_letters_are_kept_private_encrypted_and_versioned(template: dict[str, Any]) -> None:
    """Parked records are customers' logs; deleting the stack does not delete them."""
    assert template["Resources"]["DeadLetters"]["DeletionPolicy"] == "Retain"
    buckets = resources(template, "AWS::S3::Bucket")
    assert set(buckets) == {"DeadLetters", "TaskFiles"}
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]


def test_task_files_ring_in_both_clouds(template: dict[str, Any]) -> None:
    """Each ending that the library reads has its own rule, creations only; no event of a delete."""
    events = resources(template, "AWS::Serverless::Function")["ProveOwnershipFunction"]["Events"].values()
    rules = [event["Properties"]["Filter"]["S3Key"]["Rules"] for event in events]
    assert sorted(rule["Value"] for (rule,) in rules) == sorted(task_files.ENDINGS)
    assert {event["Properties"]["Events"] for event in events} == {"s3:ObjectCreated:*"}
    triggers = descriptor.read(ROOT / "s.yaml", environ={})["prove_ownership"].triggers
    keys = [trigger["triggerConfig"]["filter"]["key"] for trigger in triggers]
    assert sorted(key["suffix"] for key in keys) == sorted(task_files.ENDINGS)
    assert all(name.startswith("oss:ObjectCreated:") for it in triggers for name in it["triggerConfig"]["events"])


def test_who_only_gives_verdicts_reaches_no_data(template: dict[str, Any]) -> None:
    """Strangers may call verify_request, which needs no table and no bucket: its role writes its log, no more."""
    functions, roles = resources(template, "AWS::Serverless::Function"), resources(template, "AWS::IAM::Role")
    assert set(roles) == {"FunctionRole", "VerdictRole"}
    own = {name for name, one in functions.items() if one["Role"] == "VerdictRole.Arn"}
    assert own == {"VerifyRequestFunction"}
    (policy,) = roles["VerdictRole"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == "VerifyRequestLogs.Arn"


def test_the_role_names_each_action_and_resource(template: dict[str, Any]) -> None:
    """No wildcard action, no resource `*`, no managed policy; exactly what the code calls."""
    role = resources(template, "AWS::IAM::Role")["FunctionRole"]
    (policy,) = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    actions = {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert "ManagedPolicyArns" not in role
    assert not [action for action in actions if "*" in action]
    assert not [one for one in statements if one["Resource"] == "*"]
    assert {action for action in actions if action.startswith("dynamodb:")} == {
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query",
    }  # fmt: skip
