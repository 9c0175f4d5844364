"""Every limit of kafka's options: one clear line at `task check`; what a record becomes."""

from typing import Any

import pytest
from tests.contract.adapter import records

from logferry import policies, task
from logferry.config import load
from logferry.destinations import Surroundings, kafka
from logferry.destinations.kafka.options import broker
from logferry.errors import ConfigError, Permanent
from logferry.model import Record
from logferry.vault import Vault

GOOD: dict[str, Any] = {"brokers": ["kafka.example:9092"], "topic": "waf"}
AUTH = {"mechanism": "SCRAM-SHA-512", "username": "ferry", "password": "secret://env/PW"}
AROUND = Surroundings("t", Vault({}))

REFUSED = [
    ({"brokers": []}, "brokers: .*list of 1 to 50 HOST:PORT"),
    ({"brokers": [f"b{number}.example" for number in range(51)]}, "brokers: .*list of 1 to 50 HOST:PORT"),
    ({"brokers": ["b.example", "b.example"]}, "brokers: one is listed twice"),
    ({"brokers": ["https://b.example:9092"]}, "brokers: 'https://b.example:9092' is no broker"),
    ({"brokers": ["b.example:0"]}, "brokers: 'b.example:0' is no broker"),
    ({"brokers": ["b.example:65536"]}, "brokers: 'b.example:65536' is no broker"),
    ({"brokers": ["::1:9092"]}, r"brokers: '::1:9092' is no broker, expected HOST, HOST:PORT or \[IPv6\]:PORT"),
    ({"brokers": ["[::x]:9092"]}, "brokers: .* is no broker"),
    ({"brokers": ["256.1.1.1:9092"]}, "brokers: .* is no broker"),
    ({"brokers": ["b_.example-:1"]}, "brokers: .* is no broker"),
    ({"brokers": ["user@b.example:1"]}, "brokers: .* is no broker"),
    ({"topic": "a b"}, "topic: 'a b' .*1 to 249 letters, digits, dots, dashes and underscores"),
    ({"topic": "x" * 250}, "topic: .*1 to 249 letters"),
    ({"topic": ".."}, "topic: '..' is not allowed by Kafka"),
    ({"compress": "brotli"}, "compress: 'brotli' is not one of gzip, lz4, no, none, snappy, zstd"),
    ({"balancer": "Random"}, "balancer: 'Random' .*LeastBytes"),
    ({"balancer": "Hash"}, "key: is missing, balancer Hash needs it"),
    ({"balancer": "LeastBytes", "consistent": True}, "consistent: is for CRC32Balancer and Murmur2Balancer only"),
    ({"key": "{host"}, "key: a lone {"),
    ({"key": "{}"}, "key: a lone {"),
    ({"auth": {"mechanism": "PLAIN"}}, "auth.username: is missing.*auth.password: is missing"),
    ({"auth": AUTH | {"mechanism": "GSSAPI"}}, "auth.mechanism: 'GSSAPI' .*PLAIN, SCRAM-SHA-256"),
    ({"auth": AUTH | {"password": "hunter2"}}, "auth.password: .*secret://env/NAME"),
    ({"username": "ferry"}, "username: unknown key"),
    ({"tls": {"key_file": "k.pem"}}, "tls.cert_file: is missing, key_file needs it"),
    ({"tls": {"verify": False, "ca_file": "c.pem"}}, "tls.ca_file: has no use with verify: false"),
    ({"tls": {"insecure": True}}, "tls.insecure: unknown key"),
    ({"timeout": "0s"}, "timeout: 0s is not more than 0s"),
    ({"max_message_bytes": 999}, "max_message_bytes: 999"),
    ({"max_bytes": 10**9}, "max_bytes: 1000000000"),
    ({"max_records": 0}, "max_records: 0"),
    ({"format": "csv"}, "columns: is missing, format csv needs it"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "says"), REFUSED, ids=lambda value: value[:40] if isinstance(value, str) else None)
def test_what_cannot_work_is_refused_with_one_line(wrong: dict[str, Any], says: str) -> None:
    """The option's path, what it is, what was expected; never a secret."""
    with pytest.raises(ConfigError, match=says) as caught:
        load(kafka.Config, GOOD | wrong)
    assert all("\n" not in problem for problem in caught.value.problems)
    assert "hunter2" not in str(caught.value)


def test_fifty_brokers_are_taken() -> None:
    """The fifty-first is refused above."""
    assert len(load(kafka.Config, GOOD | {"brokers": [f"b{number}.example" for number in range(50)]}).brokers) == 50


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("b.example", ("b.example", 9092)), ("b.example:9093", ("b.example", 9093)), ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("[2001:db8::1]:9094", ("2001:db8::1", 9094)), ("[::1]", ("::1", 9092)), ("kafka-0", ("kafka-0", 9092)),
    ],
)  # fmt: skip
def test_a_broker_is_a_name_or_an_address_with_a_port(given: str, taken: tuple[str, int]) -> None:
    """9092 where none is written."""
    assert broker(given) == taken


@pytest.mark.parametrize("name", ["LeastBytes", "RoundRobin", "CRC32Balancer", "Murmur2Balancer", "Hash"])
def test_balancers_are_also_called_as_in_esa_s_interface(name: str) -> None:
    """`kafka.LeastBytes` is `LeastBytes`."""
    assert load(kafka.Config, GOOD | {"balancer": f"kafka.{name}", "key": "host"}).chooser == name


@pytest.mark.parametrize("name", ["plain", "scram-sha-256", "scram-sha-512"])
def test_mechanisms_may_be_written_in_lower_case(name: str) -> None:
    """As ESA's interface has them."""
    auth = load(kafka.Config, GOOD | {"auth": AUTH | {"mechanism": name}}).auth
    assert auth is not None
    assert auth.kind == name.upper()


def test_tls_is_a_word_or_a_mapping() -> None:
    """`on: false` keeps what else is written for later."""
    assert load(kafka.Config, GOOD).trust is None
    assert load(kafka.Config, GOOD | {"tls": {"on": False, "ca_file": "c.pem"}}).trust is None
    values: list[object] = [True, {}]
    for value in values:
        trust = load(kafka.Config, GOOD | {"tls": value}).trust
        assert trust is not None
        assert trust.verify


@pytest.mark.parametrize(
    ("key", "fields", "expected"),
    [
        ("host", {"host": "a"}, b"a"), ("host", {"host": ""}, b""), ("host", {"uri": "/"}, None), ("n", {"n": 5}, b"5"),
        ("{host}{uri}", {"host": "a", "uri": "/"}, b"a/"), ("{host}/{uri}", {"host": "a"}, None),
        ("{{{host}}}", {"host": "a"}, b"{a}"), (None, {"host": "a"}, None),
    ],
)  # fmt: skip
def test_a_key_is_a_field_or_a_template(key: str | None, fields: dict[str, str | int], expected: bytes | None) -> None:
    """A record that lacks a field of it has no key; an empty value is an empty key."""
    encoder = kafka.encoder(load(kafka.Config, GOOD | {"key": key} if key else GOOD), AROUND)
    part = encoder.encode(Record(0, 0, 0, fields))
    length = int.from_bytes(part[8:12], "big", signed=True)
    assert (None if length < 0 else part[12 : 12 + length]) == expected


def test_a_record_that_is_too_large_is_named_before_it_is_sent() -> None:
    """Key and value together; the others are not touched."""
    encoder = kafka.encoder(load(kafka.Config, GOOD | {"max_message_bytes": 1000, "key": "message"}), AROUND)
    small, large = records(1, size=100)[0], records(1, size=600)[0]
    assert encoder.encode(small)
    with pytest.raises(Permanent, match=r"has 1\d\d\d bytes, at most 1000 are allowed \(max_message_bytes\)"):
        encoder.encode(large)


def test_what_must_be_granted_is_a_command() -> None:
    """For the user that logs in, on this topic alone."""
    source = {"sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "p-1", "logstore": "waf"}}
    made = task.load({"task": "t", "source": source, "destination": {"kafka": GOOD | {"auth": AUTH}}})
    (words,) = [grant.where for side, grant in policies.of(made) if side == "destination"]
    assert "--allow-principal User:ferry --operation Write --operation Describe --topic waf" in words
