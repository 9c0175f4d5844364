"""Secrets in AWS (moto) and Alibaba Cloud KMS (a stub that verifies signatures): found, kept, rotated, never shown."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.clock import Clock
from tests.fakes.kms import Kms, kms_server

from logferry.errors import Misconfigured, Transient
from logferry.signing import private_key
from logferry.sls.credentials import EnvironKeys
from logferry.vault import Vault

VALUE, NEXT = "hunter2-sehr-geheim", "hunter3-auch-geheim"
ALIBABA = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.example",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "invented",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "token-1",
    "FC_REGION": "cn-hangzhou",
}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """moto."""
    with aws_server() as url:
        yield url


@pytest.fixture
def environ(aws: str) -> dict[str, str]:
    """A function's environment on AWS."""
    return {**ENVIRON, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": aws}


def client(service: str, environ: dict[str, str], region: str = "eu-west-1") -> Any:  # noqa: ANN401  # boto3's own
    """The SDK as whoever stores the secret uses it."""
    key = {"aws_access_key_id": "AKIAEXAMPLE000000000", "aws_secret_access_key": "invented"}
    return boto3.client(service, region_name=region, endpoint_url=environ["AWS_ENDPOINT_URL"], **key)


@pytest.fixture
def kms() -> Iterator[Kms]:
    """The stub, with one key."""
    with kms_server(Kms({"STS.example": "invented"}, {}, tokens={"token-1"})) as found:
        yield found


def test_a_whole_secret_one_of_its_keys_and_an_arn(environ: dict[str, str]) -> None:
    """By name, by name and key, and by ARN in another region."""
    client("secretsmanager", environ).create_secret(Name="plain", SecretString=VALUE)
    client("secretsmanager", environ).create_secret(Name="team/keys", SecretString=json.dumps({"TOKEN": VALUE}))
    far = client("secretsmanager", environ, "us-east-1").create_secret(Name="far", SecretString=VALUE)
    vault = Vault(environ)
    for reference in ("plain", "team/keys#TOKEN", far["ARN"]):
        assert vault.resolve(f"secret://aws/secretsmanager/{reference}").reveal() == VALUE


def test_a_parameter(environ: dict[str, str]) -> None:
    """By its path, and by a name without one; decrypted."""
    client("ssm", environ).put_parameter(Name="/logferry/token", Value=VALUE, Type="SecureString")
    client("ssm", environ).put_parameter(Name="token", Value=VALUE, Type="SecureString")
    for name in ("logferry/token", "token"):
        assert Vault(environ).resolve(f"secret://aws/ssm/{name}").reveal() == VALUE


def test_a_parameter_by_its_arn(environ: dict[str, str]) -> None:
    """In another region, with slashes in its name or without: an ARN is no path."""
    far = client("ssm", environ, "us-east-1")
    for name in ("/far/token", "far"):
        far.put_parameter(Name=name, Value=VALUE, Type="SecureString")
        arn = far.get_parameter(Name=name)["Parameter"]["ARN"]
        # moto does not decrypt what it finds by an ARN, and says so in the value
        assert Vault(environ).resolve(f"secret://aws/ssm/{arn}").reveal().endswith(VALUE)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("secretsmanager/absent", "there is none of that name in eu-west-1: make it or correct the name"),
        ("ssm/absent", "there is none of that name in eu-west-1"),
        ("secretsmanager/half#OTHER", "half is no JSON object with a text under 'OTHER'"),
        ("secretsmanager/half#NUMBER", "half is no JSON object with a text under 'NUMBER'"),
        ("secretsmanager/bytes", "bytes holds no text"),
        ("elsewhere/x", "not secret://aws/secretsmanager/NAME#KEY"),
        ("secretsmanager/", "not secret://aws/secretsmanager/NAME#KEY"),
    ],
)
def test_what_cannot_be_had_says_what_to_do(environ: dict[str, str], reference: str, said: str) -> None:
    """The reference and what to do; nothing of what is held."""
    manager = client("secretsmanager", environ)
    if not [row for row in manager.list_secrets()["SecretList"] if row["Name"] == "half"]:
        manager.create_secret(Name="half", SecretString=json.dumps({"TOKEN": VALUE, "NUMBER": 1}))
        manager.create_secret(Name="bytes", SecretBinary=VALUE.encode())
    with pytest.raises(Misconfigured) as caught:
        Vault(environ).resolve(f"secret://aws/{reference}")
    assert said in str(caught.value)
    assert VALUE not in str(caught.value)


def test_nobody_there_may_pass(environ: dict[str, str]) -> None:
    """A store that cannot be reached is no mistake of a person."""
    with pytest.raises(Transient):
        Vault({**environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).resolve("secret://aws/secretsmanager/plain")


def test_no_region_says_what_to_set(environ: dict[str, str]) -> None:
    """Lambda sets it; a host may not."""
    bare = {name: value for name, value in environ.items() if "REGION" not in name}
    with pytest.raises(Misconfigured, match="set AWS_REGION"):
        Vault(bare).resolve("secret://aws/secretsmanager/plain")


def test_a_variable_may_refer_to_a_store(environ: dict[str, str]) -> None:
    """So that a task says `secret://env/TOKEN`, and no secret stands in a function's environment."""
    manager = client("secretsmanager", environ)
    manager.create_secret(Name="chained", SecretString=VALUE)
    vault = Vault({**environ, "TOKEN": "secret://aws/secretsmanager/chained"})
    assert vault.resolve("secret://env/TOKEN").reveal() == VALUE
    manager.update_secret(SecretId="chained", SecretString=NEXT)
    assert vault.refresh("secret://env/TOKEN")
    assert vault.resolve("secret://env/TOKEN").reveal() == NEXT


def test_a_variable_that_refers_to_a_variable_is_refused() -> None:
    """It would be a riddle, or a circle."""
    with pytest.raises(Misconfigured, match="refers to another variable"):
        Vault({"A": "secret://env/B", "B": "x"}).resolve("secret://env/A")


def test_the_key_of_the_log_service_may_be_in_a_store(environ: dict[str, str]) -> None:
    """Each part of it; a rotated one is found when the old one is refused."""
    manager = client("secretsmanager", environ)
    manager.create_secret(Name="sls", SecretString=json.dumps({"ID": "LTAI1", "KEY": VALUE}))
    names = {"SLS_AK_ID": "secret://aws/secretsmanager/sls#ID", "SLS_AK_KEY": "secret://aws/secretsmanager/sls#KEY"}
    keys = EnvironKeys({**environ, **names})
    old = keys.current()
    assert (old.access_key_id, old.access_key_secret.reveal()) == ("LTAI1", VALUE)
    assert not keys.renew(old)
    manager.update_secret(SecretId="sls", SecretString=json.dumps({"ID": "LTAI2", "KEY": NEXT}))
    assert keys.current() == old
    assert keys.renew(old)
    assert (keys.current().access_key_id, keys.current().access_key_secret.reveal()) == ("LTAI2", NEXT)


def test_kms_is_asked_with_the_function_s_role(kms: Kms) -> None:
    """Signed with the temporary key, token and all; the stub verifies it."""
    kms.secrets |= {"plain": VALUE, "keys": json.dumps({"TOKEN": VALUE})}
    vault = Vault({**ALIBABA, "LOGFERRY_KMS_ENDPOINT": kms.url})
    assert vault.resolve("secret://kms/plain").reveal() == VALUE
    assert vault.resolve("secret://kms/keys#TOKEN").reveal() == VALUE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "there is none of that name in cn-hangzhou"),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"},
            "kms answered 400 SignatureDoesNotMatch: check the function's role",
        ),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "unknown"}, "kms answered 404 InvalidAccessKeyId.NotFound: check"),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "old"}, "kms answered 400 InvalidSecurityToken.Expired: check"),
        ({"FC_REGION": ""}, "no region: set LOGFERRY_KMS_REGION"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, "no access key: give the function a role"),
    ],
)
def test_kms_refuses(kms: Kms, change: dict[str, str], said: str) -> None:
    """Each refusal says what to do, and repeats nothing that the service quoted."""
    with pytest.raises(Misconfigured) as caught:
        Vault({**ALIBABA, "LOGFERRY_KMS_ENDPOINT": kms.url, **change}).resolve("secret://kms/absent")
    assert said in str(caught.value)
    assert "of somebody" not in str(caught.value)


def test_a_busy_store_may_pass(kms: Kms) -> None:
    """503 is Transient, and the next look finds it."""
    kms.secrets["plain"], kms.failing = VALUE, 1
    vault = Vault({**ALIBABA, "LOGFERRY_KMS_ENDPOINT": kms.url})
    with pytest.raises(Transient, match="the secret store answered 503"):
        vault.resolve("secret://kms/plain")
    assert vault.resolve("secret://kms/plain").reveal() == VALUE


def test_a_sender_s_key_is_kept_for_minutes_and_then_looked_at_again(kms: Kms) -> None:
    """Each request wants it, and a store is asked once in five minutes; one that fails then leaves what was known."""
    clock = Clock()
    kms.secrets["esa"] = "abc123"
    vault = Vault({**ALIBABA, "LOGFERRY_KMS_ENDPOINT": kms.url, "KEY": "secret://kms/esa"}, clock)
    for reference in ("secret://kms/esa", "secret://env/KEY"):
        for _request in range(50):
            assert private_key(reference, vault).reveal() == "abc123"
    assert kms.asked == ["esa"]
    kms.secrets["esa"] = "def456"
    clock.now += 301
    kms.failing = 1
    assert private_key("secret://kms/esa", vault).reveal() == "abc123"
    assert private_key("secret://kms/esa", vault).reveal() == "abc123"
    clock.now += 16
    for reference in ("secret://kms/esa", "secret://env/KEY"):
        assert private_key(reference, vault).reveal() == "def456"
    assert kms.asked == ["esa", "esa"]


def test_two_ways_to_one_secret_are_two_askers(kms: Kms) -> None:
    """Who has the old value by the reference itself learns that it changed, though another read it by a variable."""
    kms.secrets["keys"] = json.dumps({"TOKEN": VALUE})
    direct, named = "secret://kms/keys#TOKEN", "secret://env/TOKEN"
    vault = Vault({**ALIBABA, "LOGFERRY_KMS_ENDPOINT": kms.url, "TOKEN": direct})
    assert vault.resolve(direct) == vault.resolve(named)
    kms.secrets["keys"] = json.dumps({"TOKEN": NEXT})
    assert [vault.refresh(named), vault.refresh(direct), vault.refresh(named)] == [True, True, False]
    assert {vault.resolve(direct).reveal(), vault.resolve(named).reveal()} == {NEXT}


def test_a_machine_without_a_key_says_what_to_give(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's search, in its own environment, ends with nothing: the reference and what to do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
        environ.pop(name, None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(Misconfigured, match=r"secret://aws/ssm/token: no access key: give"):
        Vault(environ).resolve("secret://aws/ssm/token")
