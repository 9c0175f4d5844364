"""Where a task's destination may connect to: each kind asks before its first byte, whatever the address looks like."""

import importlib
import socket
from collections.abc import Callable, Mapping

import pytest
from tests.fakes.depots import payload
from tests.fakes.kafka_peer import KafkaPeer
from tests.fakes.misbehaving import Misbehaving, answer

from logferry import packing, registry
from logferry.config import load
from logferry.destinations import Destination, Surroundings, kafka
from logferry.errors import ConfigError, DeliveryError, Misconfigured, SourceError
from logferry.model import Limits, Record
from logferry.sls.projects import get_project
from logferry.sources import Surroundings as SourceSurroundings
from logferry.sources import objects as objects_source
from logferry.sources import sls as sls_source
from logferry.sources.objects import fences
from logferry.vault import Vault

ENVIRON = {"K": "key", "SLS_AK_ID": "id", "SLS_AK_KEY": "key", "P": "http://169.254.169.254:80"}
KEYS = {"access_key_id": "secret://env/K", "secret_access_key": "secret://env/K"}
Options = Callable[[str, int], Mapping[str, object]]
KINDS: dict[str, Options] = {
    "http_server": lambda host, port: {"url": f"http://{host}:{port}/"},
    "splunk_hec": lambda host, port: {"url": f"http://{host}:{port}", "token": "secret://env/K"},
    "s3": lambda host, port: {
        "endpoint": f"http://{host}:{port}", "bucket": "logs", "region": "us-east-1", "addressing": "path",
    },
    "s3_compatible": lambda host, port: {
        "endpoint": f"http://{host}:{port}", "bucket": "logs", "addressing": "path", **KEYS,
    },
    "oss": lambda host, port: {"endpoint": f"http://{host}:{port}", "bucket": "logs", "region": "cn-hangzhou"},
    "sls": lambda host, port: {"endpoint": f"http://{host}:{port}", "project": "central-1", "logstore": "all"},
    "kafka": lambda host, port: {"brokers": [f"{host}:{port}"], "topic": "t"},
    "syslog_server": lambda host, port: {"host": host, "port": port, "body": "json_lines"},
}  # fmt: skip
METADATA = ("169.254.169.254", "100.100.100.200")
SPELLED = ("2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::1]")


def made(kind: str, options: Mapping[str, object], **environ: str) -> Destination:
    """The destination; s3 and oss sign with an instance's own key."""
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ALIBABA_CLOUD_ACCESS_KEY_ID",
                          "ALIBABA_CLOUD_ACCESS_KEY_SECRET"), "key")  # fmt: skip
    module = importlib.import_module(f"logferry.destinations.{kind}")
    around = Surroundings("t", Vault({**ENVIRON, **keys, **environ}))
    found: Destination = module.build(load(module.Config, options), around)
    return found


def test_every_kind_is_here() -> None:
    """A new destination has to say where it may connect to."""
    assert sorted(KINDS) == sorted(registry.names("destinations"))


@pytest.mark.parametrize("host", [*METADATA, *SPELLED])
@pytest.mark.parametrize("kind", KINDS)
def test_no_destination_reaches_a_metadata_service(kind: str, host: str) -> None:
    """Refused by its options, or at the connection: held, with the reason, nothing sent.

    Where the bucket or project is put before it, a number of another spelling is a name, which nobody has.
    """
    bare = host.strip("[]") if kind == "syslog_server" else host
    try:
        destination = made(kind, KINDS[kind](bare, 80))
    except ConfigError:
        return
    with pytest.raises(DeliveryError, match=r"(no task may reach|name does not resolve).*nothing was sent"):
        destination.check(2.0)
    if kind != "sls":  # whose payload is a log group
        with pytest.raises(DeliveryError, match=r"(no task may reach|name does not resolve).*nothing was sent"):
            destination.send(payload(), 2.0)
    destination.close()


@pytest.mark.parametrize("kind", KINDS)
def test_private_addresses_are_refused_by_setting_alone(kind: str) -> None:
    """With `refuse` nobody is called on loopback or in a private network; the message names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        destination = made(kind, KINDS[kind]("127.0.0.1", server.getsockname()[1]), LOGFERRY_PRIVATE_ADDRESSES="refuse")
        with pytest.raises(Misconfigured, match="loopback address, and LOGFERRY_PRIVATE_ADDRESSES is refuse"):
            destination.check(2.0)
        with pytest.raises(TimeoutError):
            server.accept()
        destination.close()


def test_datagrams_are_judged_too() -> None:
    """UDP has no connection, and the same rule."""
    destination = made("syslog_server", {"host": "169.254.1.1", "protocol": "udp", "body": "json_lines"})
    with pytest.raises(Misconfigured, match="link-local"):
        destination.check(1.0)
    destination.close()


def test_a_broker_that_the_cluster_names_is_judged() -> None:
    """A cluster that sends us on to a metadata service is not followed; the message says who gave the address."""
    with KafkaPeer() as peer:
        peer.advertised = "169.254.169.254"
        options = {"brokers": [peer.address], "topic": "t"}
        encoder = kafka.encoder(load(kafka.Config, options), Surroundings("t", Vault({})))
        parts = [(0, encoder.encode(Record(0, 1_774_426_530, 0, {"a": "1"})))]
        (sent,) = packing.pack(parts, Limits(max_bytes=1000, max_records=10), encoder.frame)
        destination = made("kafka", options)
        with pytest.raises(Misconfigured, match=r"link-local.*the cluster itself gave this address"):
            destination.send(sent, 2.0)
        destination.close()


def test_a_redirect_to_a_metadata_service_is_not_followed() -> None:
    """A 307 is an answer, not an order."""
    elsewhere = {"Location": "http://169.254.169.254/latest/meta-data/"}
    with Misbehaving(answer(307, headers=elsewhere)) as server:
        destination = made("http_server", {"url": server.url})
        with pytest.raises(DeliveryError, match="307") as caught:
            destination.send(payload(), 2.0)
        assert "link-local" not in str(caught.value)
        destination.close()


@pytest.mark.parametrize("proxy", ["http://169.254.169.254:80", "secret://env/P"])
def test_a_tasks_own_proxy_is_judged(proxy: str) -> None:
    """A proxy is an address that the task names like any other."""
    destination = made("http_server", {"url": "http://logs.example/", "proxy": proxy})
    with pytest.raises(Misconfigured, match="link-local"):
        destination.send(payload(), 2.0)
    destination.close()


def test_the_address_behind_a_proxy_is_judged() -> None:
    """An address in the task's URL is looked at before the proxy is asked for it."""
    with Misbehaving(answer(200)) as proxy:
        destination = made("http_server", {"url": "http://2852039166/", "proxy": proxy.url})
        with pytest.raises(Misconfigured, match="link-local"):
            destination.send(payload(), 2.0)
        assert proxy.requests == []
        destination.close()


def test_a_source_is_judged_but_may_be_private() -> None:
    """A task names its log service as well; an inner endpoint of the cloud is a private address, and meant."""

    def asked(endpoint: str) -> None:
        given = {"endpoint": endpoint, "project": "waf-project", "logstore": "waf"}
        environ = {**ENVIRON, "LOGFERRY_PRIVATE_ADDRESSES": "refuse"}
        source = sls_source.build(load(sls_source.Config, given), SourceSurroundings(environ, Vault(environ)))
        get_project(source.logstore.client)

    with pytest.raises((Misconfigured, SourceError), match="link-local"):
        asked("http://169.254.169.254")
    with pytest.raises(SourceError, match="refused"):
        asked("http://127.0.0.1:1")


@pytest.mark.parametrize(
    "bucket",
    [
        "s3:logs?region=us-east-1&endpoint=http://169.254.169.254", "oss:logs?region=cn-hangzhou&endpoint=http://2852039166",
        "s3:logs?region=us-east-1&endpoint=http://[fd00:ec2::254]:80&style=path", "folder:/proc/self", "folder:/sys",
    ],
)  # fmt: skip
def test_a_bucket_that_is_read_is_judged_too(bucket: str) -> None:
    """A task names where its objects lie: neither a metadata service nor the kernel's own folders."""
    options = load(objects_source.Config, {"bucket": bucket})
    around = SourceSurroundings(ENVIRON, Vault(ENVIRON))
    with pytest.raises(Misconfigured, match=r"no task may reach|no logs are read from"):
        objects_source.ready(options, around)
    with pytest.raises(Misconfigured, match=r"no task may reach|no logs are read from"):
        fences.judge(bucket, ENVIRON)


def test_inner_names_of_the_cloud_itself_may_be_private() -> None:
    """Only the vendor gives addresses to these names, so `refuse` does not stand in their way."""
    given = {"bucket": "logs", "region": "cn-hangzhou", "internal": True}
    destination = made("oss", given, LOGFERRY_PRIVATE_ADDRESSES="refuse")
    with pytest.raises(DeliveryError) as caught:
        destination.check(2.0)
    assert "LOGFERRY_PRIVATE_ADDRESSES" not in str(caught.value)
    destination.close()
