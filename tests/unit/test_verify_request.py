"""Verdicts: every published case, two keys, whose URI counts, and that nothing is told but yes or no."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.receiving import signature

from logferry.errors import ConfigError, Misconfigured
from logferry.runtime import Call, web
from logferry.vault import Secret, Vault
from logferry.verify_calls import Verifier, verify_request

ROOT = Path(__file__).parents[2]
CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load((ROOT / "tests/golden/signing/auth_key.yaml").read_text())
NOW, PATH = 1_767_225_600, "/logs/esa"
KEYS = {"LOGFERRY_AUTH_KEYS": "secret://env/OLD, secret://env/NEW", "OLD": "oldkey1", "NEW": "newkey2"}


def request(target: str, headers: Mapping[str, str] | None = None) -> web.Request:
    """A request as a server sees it."""
    path, _, query = target.partition("?")
    return web.Request("GET", path, query, headers or {}, b"", "192.0.2.1")


def signed(key: str = "oldkey1", path: str = PATH) -> str:
    """A signed target."""
    return f"{path}?site=a&{signature(path, Secret(key), now=NOW)}"


def said(target: str, headers: Mapping[str, str] | None = None, **environ: str) -> bool:
    """The verdict."""
    return Verifier(Vault({**KEYS, **environ}), lambda: NOW).is_signed(request(target, headers))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES["checks"]])
def test_every_published_case_has_its_verdict(case: dict[str, Any]) -> None:
    """The vendor's and the computed ones, at each of their times; strict where the page leaves it open."""
    environ = {"LOGFERRY_AUTH_KEYS": "secret://env/K", "K": case["key"]}
    query = "" if case["value"] is None else f"?auth_key={case['value']}"
    verdict = Verifier(Vault(environ), lambda: case["now"]).is_signed(request(case["path"] + query))
    assert verdict is (case["reason"] == "")


def test_both_keys_are_good() -> None:
    """While one takes over from the other; a third is not."""
    assert [said(signed(key)) for key in ("oldkey1", "newkey2", "thirdkey3")] == [True, True, False]


def test_a_missing_key_does_not_shut_out_the_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is an error in the log; with none left there is no verdict at all."""
    assert said(signed(), NEW="") is True
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    with pytest.raises(Misconfigured):
        said(signed(), NEW="", OLD="short")


@pytest.mark.parametrize("header", ["x-original-uri", "x-original-url", "x-forwarded-uri", "x-rewrite-url"])
def test_a_header_with_a_uri_is_not_looked_at_unless_it_is_named(header: str) -> None:
    """Anybody could send one."""
    assert said("/verdict", {header: signed()}) is False
    assert said(signed(), {header: "/verdict"}) is True


def test_only_the_named_header_counts() -> None:
    """Then the request's own URI does not, signed as it may be; and a header that was sent twice is none."""
    name = {"LOGFERRY_AUTH_URI_HEADER": "X-Original-URI"}
    assert said("/", {"x-original-uri": signed()}, **name) is True
    assert said(signed(), {}, **name) is False
    assert said(signed(), {"x-original-uri": "/other"}, **name) is False
    assert said("/", {"x-original-uri": f"{signed()},{signed()}"}, **name) is False


def test_path_leeway_and_longest_come_from_the_environment() -> None:
    """As they are in `signing`."""
    late = f"{PATH}?{signature(PATH, Secret('oldkey1'), now=NOW - 310)}"
    assert [said(late), said(late, LOGFERRY_AUTH_LEEWAY="10s")] == [False, True]
    assert [said(signed(), LOGFERRY_AUTH_LONGEST=longest) for longest in ("299s", "300s")] == [False, True]
    assert said(f"/in?{signature('v1/in', Secret('oldkey1'), now=NOW)}", LOGFERRY_AUTH_PATH="v1/in") is True


@pytest.mark.parametrize(
    ("environ", "error"),
    [({}, Misconfigured), ({"LOGFERRY_AUTH_KEYS": " , "}, Misconfigured), ({"LOGFERRY_AUTH_KEYS": "hush"}, ConfigError),
     ({**KEYS, "LOGFERRY_AUTH_LEEWAY": "soon"}, ConfigError)],
)  # fmt: skip
def test_a_wrong_environment_is_told_without_the_key(environ: dict[str, str], error: type[Exception]) -> None:
    """A key in the place of its reference is not repeated."""
    with pytest.raises(error) as raised:
        Verifier(Vault(environ))
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("is_good", [True, False])
def test_api_gateway_hears_yes_or_no(is_good: bool) -> None:  # noqa: FBT001  # pytest hands it over
    """The simple response, and nothing else in it."""
    event = json.loads((ROOT / "events/verify_request/authoriser.aws.json").read_text())
    event["rawQueryString"] = signature(PATH, Secret("oldkey1")) if is_good else "auth_key=x"
    assert verify_request(Call(event, "r", KEYS, lambda: 10.0)) == {"isAuthorized": is_good}


def test_a_proxy_hears_200_or_403_without_a_body() -> None:
    """From the function as from the server."""
    event = json.loads((ROOT / "events/verify_request/proxy.fc.json").read_text())
    environ = {**KEYS, "LOGFERRY_AUTH_URI_HEADER": "x-original-uri"}
    event["headers"]["X-Original-URI"] = f"{PATH}?{signature(PATH, Secret('newkey2'))}"
    assert verify_request(Call(event, "r", environ, lambda: 10.0)) == web.Response(200)
    event["headers"]["X-Original-URI"] = PATH
    assert verify_request(Call(event, "r", environ, lambda: 10.0)) == web.Response(403)


def test_the_log_says_why_without_the_signature(caplog: pytest.LogCaptureFixture) -> None:
    """Path, sender and reason."""
    caplog.set_level(logging.DEBUG)
    said(f"{PATH}?auth_key=1767225900-0-hush")
    (record,) = caplog.records
    assert (record.__dict__["path"], record.__dict__["reason"]) == (PATH, "malformed")
    assert "hush" not in str(record.__dict__)
