"""`template.yaml` and `s.yaml` say the same, are well formed, and give away nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.functions.stack import document

from logferry import task_files
from logferry_local import packaging
from logferry_local.trigger_runner import descriptor

ROOT = Path(__file__).parents[2]
ONLY_FUNCTION_COMPUTE = {"dist/layer-aws.zip", "dist/layer-tablestore.zip"}
KNOWN = {
    "LOGFERRY_AUTH_KEYS",
    "LOGFERRY_LEASE_SECONDS", "LOGFERRY_LOG_LEVEL", "LOGFERRY_OBJECTS", "LOGFERRY_SAVE_BYTES", "LOGFERRY_SAVE_SECONDS",
    "LOGFERRY_MAX_TASKS", "LOGFERRY_OWNERSHIP", "LOGFERRY_PRIVATE_ADDRESSES", "LOGFERRY_STATE", "LOGFERRY_TASKS",
}  # fmt: skip
SECRET = re.compile(r"(TOKEN|KEY|KEY_ID|AK_ID|SECRET\w*)$")
OWN_KEYS: dict[str, set[str]] = {  # each cloud gives its own key by a role; the other cloud's is a secret
    "template.yaml": {"SLS_AK_ID", "SLS_AK_KEY"},
    "s.yaml": set(),
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The SAM template as an object."""
    return document()


def resources(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """Properties of the resources of one type, by name."""
    return {name: it.get("Properties", {}) for name, it in template["Resources"].items() if it["Type"] == kind}


def environments(template: dict[str, Any]) -> dict[str, set[str]]:
    """Environment names by file; within one file all functions have the same."""
    props = descriptor.read(ROOT / "s.yaml", environ={}).values()
    (fc,) = {frozenset(found.environment_variables) for found in props}
    return {"template.yaml": set(template["Globals"]["Function"]["Environment"]["Variables"]), "s.yaml": set(fc)}


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
    assert aws == built - ONLY_FUNCTION_COMPUTE
    layers = descriptor.read(ROOT / "s.yaml", environ={})["forward"].layers
    there = {f"dist/layer-{arn.split('/logferry-')[1].split('/')[0]}.zip" for arn in layers}
    assert there == built - {"dist/layer-powertools.zip"}


def test_functions_have_the_same_layers_but_for_the_one_that_carries_its_own(template: dict[str, Any]) -> None:
    """All that deliver have all of a cloud's layers, at most five; verify_request has none, in either file."""
    props = descriptor.read(ROOT / "s.yaml", environ={})
    assert [found.layers for name, found in props.items() if name == "verify_request"] == [[]]
    (fc,) = {tuple(found.layers) for name, found in props.items() if name != "verify_request"}
    functions = resources(template, "AWS::Serverless::Function")
    assert "Layers" not in {**functions["VerifyRequestFunction"], **template["Globals"]["Function"]}
    (aws,) = {
        tuple(layer["!Ref"] for layer in it["Layers"])
        for name, it in functions.items()
        if name != "VerifyRequestFunction"
    }
    assert set(aws) == set(resources(template, "AWS::Serverless::LayerVersion"))
    assert (len(fc) <= 5, len(aws) <= 5) == (True, True)


def test_both_files_grant_the_same_time(template: dict[str, Any]) -> None:
    """Time-out and memory of a function, and how often a call that failed is made again for a timer's."""
    usual = template["Globals"]["Function"]
    aws = {
        it["CodeUri"]: (it.get("Timeout", usual["Timeout"]), it.get("MemorySize", usual["MemorySize"]))
        for it in resources(template, "AWS::Serverless::Function").values()
    }
    props = descriptor.read(ROOT / "s.yaml", environ={}).values()
    assert aws == {found.code: (found.timeout, found.memory_size) for found in props}


def test_a_call_that_failed_for_good_is_kept(template: dict[str, Any]) -> None:
    """Every function that is called asynchronously tells a queue; the same functions in both files."""
    functions = resources(template, "AWS::Serverless::Function").values()
    aws = {it["CodeUri"]: it["EventInvokeConfig"] for it in functions if "EventInvokeConfig" in it}
    assert {it["DestinationConfig"]["OnFailure"]["Destination"]["!GetAtt"] for it in aws.values()} == {
        "FailedCalls.Arn"
    }
    fc = {it.code: it.async_invoke_config for it in descriptor.read(ROOT / "s.yaml", environ={}).values()}
    assert {code for code, found in fc.items() if found} == set(aws)
    for found in fc.values():
        if found:
            assert found.destination_config is not None
            assert found.destination_config.on_failure is not None
            told = found.destination_config.on_failure.destination
            assert told == "acs:mns:cn-hangzhou:1000000000000000:/queues/logferry-failed-calls/messages"


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


@pytest.mark.parametrize("kind", ["secretsmanager", "kms"])
def test_no_secret_stands_in_a_functions_environment(template: dict[str, Any], kind: str) -> None:
    """Keys and tokens are references into the cloud's secret store: two secrets, for strangers' calls reach one."""
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    form = r"secret://aws/secretsmanager/\$\{(\w+)\}#(\w+)"
    if kind == "kms":
        document = yaml.safe_load((ROOT / "s.yaml").read_text())
        given = document["resources"]["forward"]["props"]["environmentVariables"]
        form = r"secret://kms/\$\{vars\.(\w+)\}#(\w+)"
    secrets = {name: value for name, value in given.items() if SECRET.search(name)}
    assert secrets
    stores = {}
    for name, value in secrets.items():
        match = re.fullmatch(form, value["!Sub"] if isinstance(value, dict) else value)
        assert match is not None, name
        assert match[2] == name
        stores[name] = match[1]
    assert [name for name, store in stores.items() if store in ("SenderSecretName", "sender_secret")] == [
        "ESA_PRIVATE_KEY"
    ]


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
    assert template["Parameters"][schedule["Properties"]["State"]["!Ref"]]["Default"] == "DISABLED"
    props = descriptor.read(ROOT / "s.yaml", environ={})["replay"]
    assert descriptor.triggers({"replay": props}) == []
    assert [trigger["triggerConfig"]["enable"] for trigger in props.triggers] == [False]


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
