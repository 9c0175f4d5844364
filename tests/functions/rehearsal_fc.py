"""The functions of `s.yaml` under Function Compute's contract: embedded log store, moto for OSS, our server that speaks
Tablestore's protocol, a stub of KMS, each behind a proxy of its own."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.fakes import aliyun_calls, aws
from tests.fakes.kms import Kms, kms_server
from tests.fakes.ots import ots_server
from tests.fakes.receiving import KEY as SENDERS_KEY
from tests.fakes.recorder import recorded
from tests.functions.place import KEY
from tests.functions.rehearsal import LEASE, TOKEN, Rehearsal, make_buckets

from logferry import registry, wiring
from logferry.state import tablestore
from logferry_local.platforms import Function
from logferry_local.sinks import hec
from logferry_local.trigger_runner import descriptor

__all__ = ["ENVIRON", "rehearsing"]

ROOT = Path(__file__).parents[2]
_ID, _SECRET = KEY["SLS_AK_ID"], KEY["SLS_AK_KEY"]
_ROLE = {"ALIBABA_CLOUD_ACCESS_KEY_ID": _ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": _SECRET}
ENVIRON = aws.ENVIRON | _ROLE  # of this process: a person puts objects by S3's protocol
_BUCKETS = ("logferry-dead-letters", "logferry-tasks", "logferry-log-objects")


class OnFunctionCompute(Rehearsal):
    """An account."""

    contract = "fc"
    task_bucket = "logferry-tasks"
    log_buckets = ("logferry-log-objects",)

    def __init__(self, folder: Path, things: ExitStack) -> None:
        super().__init__(folder, things, things.enter_context(aws.aws_server()))
        self._roomy = self.receiver("roomy", hec.Options(token=TOKEN))
        self._props = descriptor.read(ROOT / "s.yaml", environ={})
        held = {"logferry": {"SPLUNK_TOKEN": TOKEN}, "logferry-senders": {"ESA_PRIVATE_KEY": SENDERS_KEY.reveal()}}
        kms = Kms({_ID: _SECRET}, {name: json.dumps(secret) for name, secret in held.items()})
        things.enter_context(kms_server(kms))
        self.ots = things.enter_context(ots_server(keys={_ID: _SECRET})).address
        oss, ots, asked, sls = (
            things.enter_context(recorded(address, names, self.recorder))
            for address, names in (
                (self.s3, aliyun_calls.oss), (self.ots, aliyun_calls.tablestore), (kms.url, aliyun_calls.kms),
                (self.place.address, aliyun_calls.log_service),
            )
        )  # fmt: skip
        self.sls, self._oss = sls, f"endpoint={oss}&style=path"
        settings = dict(self._props["forward"].environment_variables) | LEASE
        settings["LOGFERRY_STATE"] += f"&endpoint={ots}"
        for name in ("LOGFERRY_OBJECTS", "LOGFERRY_TASKS"):
            settings[name] += f"&{self._oss}"
        self.environ |= settings | _ROLE | {"LOGFERRY_KMS_ENDPOINT": asked, "LOGFERRY_KMS_REGION": "cn-hangzhou"}

    def function(self, name: str, seconds: float) -> Function:
        """Of the checkout: what is in the zips is tested elsewhere."""
        code = ROOT / "functions" / name
        return Function(name=f"logferry-{name}", code=code, timeout=seconds, initializer="app.initialize")

    def bucket(self, name: str) -> str:
        """By way of the proxy."""
        return f"oss:{name}?region=cn-hangzhou&{self._oss}"

    def archive(self) -> Mapping[str, Any]:
        """A receiver that takes all. What a bucket would ask for besides is printed by `logferry task policy`."""
        return self._roomy

    def put_event(self, bucket: str, key: str) -> Mapping[str, Any]:
        """OSS's."""
        event = self.sample("prove_ownership/object_created")
        event["events"][0]["oss"] |= {"bucket": {"name": bucket}, "object": {"key": key, "size": 10}}
        return event

    def post(self, query: str, path: str, body: bytes) -> Mapping[str, Any]:
        """By the HTTP trigger."""
        event = self.sample("receive/signed")
        event["requestContext"]["http"]["path"] = event["rawPath"] = path
        parameters = dict(one.split("=", 1) for one in query.split("&") if one)
        return event | {"queryParameters": parameters, "body": body.decode()}

    def verdict(self, query: str) -> bool:
        """To a proxy that hands the request on as it is."""
        return bool(self.call("verify_request", self.post(query, "/logs/esa", b"")).reply["statusCode"] == 200)


@contextmanager
def rehearsing(folder: Path) -> Iterator[Rehearsal]:
    """The account with its places, nothing called yet; ENVIRON must be set."""
    with ExitStack() as things:
        made = OnFunctionCompute(folder, things)
        place = registry.locate("state", f"tablestore:logferry/logferry_state?region=cn-hangzhou&endpoint={made.ots}")
        tablestore.create_table(place.location, place.options)
        make_buckets(made.s3, *_BUCKETS)
        things.callback(wiring.dismiss)
        yield made
