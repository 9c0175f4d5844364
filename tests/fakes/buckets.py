"""Bucket services of other people: moto with every signature and every right checked, and localbucket."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests
from tests.fakes.aws import aws_server

__all__ = ["Account", "account", "localbucket", "records_of"]

_PROGRAM = """
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from localbucket import S3Handler
S3Handler.data_root = Path(sys.argv[1])
S3Handler.log_message = lambda *_: None
server = ThreadingHTTPServer(("127.0.0.1", 0), S3Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


class Account(NamedTuple):
    """An AWS account in moto. `writer` may only put below its prefix; `owner` may do everything."""

    url: str
    bucket: str
    writer: Mapping[str, str]  # ID and KEY
    role: Mapping[str, str]  # the same rights for a while: ID, KEY and TOKEN
    owner: Mapping[str, str]
    client: Any  # the owner's, of boto3

    def objects(self) -> dict[str, Mapping[str, Any]]:
        """Every object as the owner reads it, its bytes under `Body`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        replies = {key: self.client.get_object(Bucket=self.bucket, Key=key) for key in keys}
        return {key: {**reply, "Body": reply["Body"].read()} for key, reply in replies.items()}


@contextmanager
def account(prefix: str, *, bucket: str = "waf-logs") -> Iterator[Account]:
    """A bucket, who owns it, and who may write below `prefix`; from then on all calls are checked."""
    import boto3

    with aws_server() as url:

        def client(service: str, key: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  # boto3 has no types
            given = key or {"ID": "anybody", "KEY": "anything"}
            return boto3.client(
                service, endpoint_url=url, region_name="us-east-1",
                aws_access_key_id=given["ID"], aws_secret_access_key=given["KEY"],
            )  # fmt: skip

        iam, s3 = client("iam"), client("s3")
        s3.create_bucket(Bucket=bucket)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/{prefix}*"}
        owner, writer = _user(iam, "owner", [everything]), _user(iam, "writer", [put])
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}],
        }
        iam.create_role(RoleName="writer", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="writer", PolicyName="p", PolicyDocument=_policy([put]))
        sts = client("sts")
        role = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/writer", RoleSessionName="test")["Credentials"]
        session = {"ID": role["AccessKeyId"], "KEY": role["SecretAccessKey"], "TOKEN": role["SessionToken"]}
        checked = requests.post(
            f"{url}/moto-api/reset-auth", data="0", headers={"Content-Type": "text/plain"}, timeout=10
        )
        checked.raise_for_status()
        owning = client("s3", owner)
        yield Account(url, bucket, writer, session, owner, owning)
        for made in (iam, s3, sts, owning):
            made.close()


@contextmanager
def localbucket(folder: Path, bucket: str) -> Iterator[str]:
    """The URL of a localbucket with this bucket; objects are files below `folder/bucket`."""
    (folder / bucket).mkdir(parents=True)
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def records_of(body: bytes) -> list[dict[str, Any]]:
    """The records of a `.ndjson.gz` object."""
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def _user(iam: Any, name: str, statements: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:  # noqa: ANN401  # boto3 has no types
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_policy(statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"ID": key["AccessKeyId"], "KEY": key["SecretAccessKey"]}


def _policy(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
