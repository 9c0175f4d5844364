"""`logferry task policy`: what it prints, and that moto, checking every right, grants exactly what the task does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.iam.access_control import IAMPolicy, PermissionResult
from tests.fakes.buckets import Account, account
from typer.testing import CliRunner, Result

from logferry import registry
from logferry.config import load
from logferry.destinations import Surroundings
from logferry.errors import ConfigError, LogferryError
from logferry.model import Origin, Payload
from logferry.state import open_table
from logferry.task import parse
from logferry.task_store import TaskStore
from logferry.vault import Vault
from logferry_local import cli

PAYLOAD = Payload([b'{"a":1}'], [0], b'{"a":1}\n', Origin("0", "MTc=", 1774426530))
SOURCE = {"sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "esa-logs", "logstore": "edge"}}
ARN = "arn:aws:iam::123456789012:user/deliverer"


def document(destination: Mapping[str, Any]) -> str:
    """A task file's text."""
    return json.dumps({"task": "edge-copy", "source": SOURCE, "destination": destination})


def run(folder: Path, *words: str) -> Result:
    """The command, in this process, with an empty state of its own."""
    environ = {"LOGFERRY_STATE": f"sqlite:{folder}/state.db", "LOGFERRY_OBJECTS": f"folder:{folder}/objects"}
    result = CliRunner().invoke(cli.app(), ["task", "policy", *words], env=environ)
    if result.exception and not isinstance(result.exception, SystemExit | LogferryError):
        raise result.exception
    return result


def granted(folder: Path, destination: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The destination's grants, as printed with --json for a task file."""
    file = folder / "task.json"
    file.write_text(document(destination), encoding="utf-8")
    found = json.loads(run(folder, str(file), "--principal", ARN, "--json").stdout)["grants"]
    return [grant for grant in found if grant["side"] == "destination"]


def user(place: Account, policy: Mapping[str, Any]) -> Mapping[str, str]:
    """A user `deliverer` with this policy: its key."""
    options = {"endpoint_url": place.url, "region_name": "us-east-1"}
    iam = boto3.client("iam", aws_access_key_id=place.owner["ID"], aws_secret_access_key=place.owner["KEY"], **options)
    iam.create_user(UserName="deliverer")
    iam.put_user_policy(UserName="deliverer", PolicyName="printed", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="deliverer")["AccessKey"]
    iam.close()
    return {"ID": key["AccessKeyId"], "KEY": key["SecretAccessKey"]}


def may(place: Account, key: Mapping[str, str], operation: str, **arguments: object) -> bool:
    """Whether S3 lets that key do it."""
    client = boto3.client(
        "s3", endpoint_url=place.url, region_name="us-east-1", aws_access_key_id=key["ID"],
        aws_secret_access_key=key["KEY"],
    )  # fmt: skip
    try:
        getattr(client, operation)(Bucket=place.bucket, **arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error  # noqa: PT017  # a denial, no mistake
        return False
    finally:
        client.close()
    return True


def test_iam_grants_what_the_task_does_and_nothing_else(tmp_path: Path) -> None:
    """A user with the printed policy alone delivers; other paths, reads, deletes and lists are denied."""
    with account("nothing-of-this-test/") as place:
        to = {"bucket": place.bucket, "path": "esa/{task}", "region": "us-east-1", "endpoint": place.url}
        key = user(place, granted(tmp_path, {"s3": to})[0]["document"])
        keys = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
        module = registry.find("destinations", "s3")
        destination = module.build(load(module.Config, {**to, **keys}), Surroundings("edge-copy", Vault(key)))
        destination.send(PAYLOAD, 10)
        destination.close()
        (stored,) = [name for name in place.objects() if name.startswith("esa/edge-copy/2026/03/25/")]
        assert may(place, key, "put_object", Key=stored, Body=b"x")
        assert not may(place, key, "put_object", Key="esa/another/x.gz", Body=b"x")
        assert not may(place, key, "put_object", Key="esa/edge-copy", Body=b"x")
        assert not may(place, key, "get_object", Key=stored)
        assert not may(place, key, "delete_object", Key=stored)
        assert not may(place, key, "list_objects_v2")


def test_a_bucket_takes_its_policy_and_reads_it_as_it_is_meant(tmp_path: Path) -> None:
    """The service takes the document; its evaluator permits puts below the path alone. (moto judges users only.)"""
    with account("nothing-of-this-test/") as place:
        to = {"bucket": place.bucket, "path": "esa/{task}", "region": "us-east-1", "endpoint": place.url}
        policy = json.dumps(granted(tmp_path, {"s3": to})[1]["document"])
        place.client.put_bucket_policy(Bucket=place.bucket, Policy=policy)
        read = IAMPolicy(place.client.get_bucket_policy(Bucket=place.bucket)["Policy"])
    asked = {
        (action, f"arn:aws:s3:::waf-logs/{key}"): read.is_action_permitted(action, f"arn:aws:s3:::waf-logs/{key}")
        for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject")
        for key in ("esa/edge-copy/2026/x.gz", "esa/another/x.gz", "x.gz")
    }
    permitted = [what for what, answer in asked.items() if answer == PermissionResult.PERMITTED]
    assert permitted == [("s3:PutObject", "arn:aws:s3:::waf-logs/esa/edge-copy/2026/x.gz")]


def test_a_stored_task_is_found_by_its_name(tmp_path: Path) -> None:
    """The text names side, document and where it goes; JSON stands in it as it is."""
    to = {"sls": {"region": "cn-shanghai", "project": "central", "logstore": "edge"}}
    table = open_table(f"sqlite:{tmp_path}/state.db")
    TaskStore(table, lambda: 1.0).apply(parse(document(to)))
    table.close()
    text = run(tmp_path, "edge-copy", "--account", "1234567890123456").stdout
    assert "# source: RAM policy to read esa-logs/edge\n# attach it to the RAM user or role whose key reads\n{" in text
    assert "# destination: RAM policy to write central/edge" in text
    assert "acs:log:cn-shanghai:1234567890123456:project/central/logstore/edge" in text
    assert text.count("trust policy of the RAM role") == 2


def test_mistakes_are_told(tmp_path: Path) -> None:
    """A file that is not there, an unknown name, a principal and an account that are none."""
    file = tmp_path / "task.json"
    file.write_text(document({"splunk_hec": {"url": "https://h:1", "token": "secret://env/T"}}), encoding="utf-8")
    cases = {
        (str(tmp_path / "absent.yaml"),): "cannot be read: No such file",
        ("absent",): "'absent' is not a task; known: none",
        (str(file), "--principal", "logferry", "--account", "12a"): "--principal: 'logferry' is not an ARN .*--account",
    }
    for words, says in cases.items():
        with pytest.raises(ConfigError, match=says):
            raise run(tmp_path, *words).exception  # type: ignore[misc]  # there is one, or this fails too
