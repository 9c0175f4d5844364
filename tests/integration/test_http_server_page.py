"""The task files of the http_server page, checked, delivered, and proved; and what `task check` says of mistakes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.forward_proxy import ForwardProxy
from tests.fakes.misbehaving import Misbehaving, answer

from logferry import signing
from logferry.config import load
from logferry.destinations import Surroundings
from logferry.destinations.http_server import Config, build, encoder
from logferry.model import Origin, Payload, Record
from logferry.vault import Secret, Vault
from logferry_local import cli
from logferry_local.sinks import Place
from logferry_local.sinks.http import Options, open_sink

PAGE = Path(__file__).parents[2] / "docs/destinations/http_server.md"
BLOCKS = re.findall(r"^```yaml\n(task: .*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
ENVIRON = {"ESA_KEY": "Page2026Key", "LOGS_AUTHORIZATION": "Bearer eyJ", "LOGS_API_KEY": "k/1"}
LOG = Record(0, 1_767_225_600, 0, {"ClientIP": "203.0.113.7"})


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[str]:
    """A sink that takes what is signed with the page's key; its address."""
    opened = open_sink(Place(tmp_path / "bodies.txt"), Options(private_key=ENVIRON["ESA_KEY"]))
    yield opened.address
    opened.close()


def deliver(options: dict[str, Any]) -> bool:
    """Check, one record, a question for the owner; whether that was answered."""
    config, around = load(Config, options), Surroundings("page", Vault(ENVIRON))
    made, destination = encoder(config, around), build(config, around)
    part = made.encode(LOG)
    try:
        destination.check(10)
        destination.send(Payload([part], [0], made.frame([part]), Origin("0", "MTc=", LOG.time)), 10)
        return destination.echo("n0nce", 10)  # type: ignore[attr-defined, no-any-return]  # of those that echo
    finally:
        destination.close()


def test_first_example_arrives(sink: str, tmp_path: Path) -> None:
    """Compressed, with headers, parameters and a good signature; the sink says the nonce back."""
    options = yaml.safe_load(BLOCKS[0])["destination"]["http_server"]
    options["url"] = options["url"].replace("https://logs.example.com", sink)
    assert deliver(options)
    assert json.loads((tmp_path / "bodies.txt").read_text(encoding="utf-8")) == [{"ClientIP": "203.0.113.7"}]


def test_signed_example_hashes_the_chosen_path() -> None:
    """The receiver behind a gateway, which sees another path than the one that was asked for."""
    options = yaml.safe_load(BLOCKS[1])["destination"]["http_server"]
    with Misbehaving(answer(200, b"n0nce")) as server:
        options["url"] = options["url"].replace("https://logs.example.com", server.url)
        assert deliver(options)
        targets = [request.line.split(" ")[1].removeprefix("/prod") for request in server.requests]
    now = float(re.search(r"auth_key=(\d+)", targets[0])[1]) - 600  # type: ignore[index]  # it is there
    assert all(signing.verify(target, [Secret(ENVIRON["ESA_KEY"])], now=now, longest=620).ok for target in targets)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("headers: {" + ", ".join(f"X-{n}: v" for n in range(21)) + "}", "headers: 21 names, at most 20 are allowed"),
        ("params: {" + ", ".join(f"p{n}: v" for n in range(21)) + "}", "params: 21 names, at most 20 are allowed"),
        ("url: logs.example.com/in", "url: does not begin with http:// or https://"),
        ("compress: brotli", "compress: 'brotli' is not one of gzip, no, none"),
        ("auth: {private_key: abc123}", "auth.private_key: is not a reference to a secret (not shown)"),
    ],
)
def test_task_check_refuses_in_one_line(
    options: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the path of the option, what was expected."""
    task = tmp_path / "task.yaml"
    source = "{sls: {endpoint: 'https://cn-hangzhou.log.aliyuncs.com', project: esa-1, logstore: access}}"
    url = "" if options.startswith("url") else "    url: https://a/in\n"
    task.write_text(f"task: t\nsource: {source}\ndestination:\n  http_server:\n{url}    {options}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["task", "check", str(task)])
    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert [found for found in told if f"destination.http_server.{line}" in found]
    assert len(told) == 2


def test_requests_go_through_the_proxy(sink: str, tmp_path: Path) -> None:
    """Under a name that only the proxy knows; the address of the proxy is a secret."""
    port = int(sink.rpartition(":")[2])
    with ForwardProxy({"logs.example:8080": port}) as proxy:
        environ = {**ENVIRON, "PROXY": proxy.url}
        options = {"url": "http://logs.example:8080/in", "proxy": "secret://env/PROXY"}
        config = load(Config, {**options, "auth": {"private_key": "secret://env/ESA_KEY"}})
        destination = build(config, Surroundings("page", Vault(environ)))
        destination.send(Payload([b"{}"], [0], b"{}\n", Origin("0", "MTc=", LOG.time)), 10)
        destination.close()
    assert [line.partition("?")[0] for line in proxy.asked] == ["POST http://logs.example:8080/in"]
    assert (tmp_path / "bodies.txt").read_bytes() == b"{}\n"
