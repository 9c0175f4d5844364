"""`logferry sign`: signed URLs for people who try a receiver, and the reason of a refusal."""

import time

import pytest

from logferry.signing import sign, verify
from logferry.vault import Secret
from logferry_local import cli

KEY = "Logferry2026Key"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key, where the command looks for it."""
    monkeypatch.setenv("ESA_KEY", KEY)
    monkeypatch.setenv("SHORT_KEY", "a1")


def run(*words: str) -> int:
    """The command line's exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["sign", *words])
    return int(ended.value.code or 0)


def test_signed_url_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    """A receiver takes it, and so does the command's own check."""
    assert run("https://logs.example.com/v1/in?site=a", "--key", "secret://env/ESA_KEY", "--expires", "10m") == 0
    url = capsys.readouterr().out.strip()
    assert url.startswith("https://logs.example.com/v1/in?site=a&auth_key=")
    assert verify(url.removeprefix("https://logs.example.com"), [Secret(KEY)], now=time.time() + 590, longest=600).ok
    assert run(url, "--key", "secret://env/ESA_KEY", "--check") == 0
    assert capsys.readouterr().out == "good\n"


def test_refusal_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """What a receiver never says to a stranger, its owner can find out."""
    value = sign("/in", Secret(KEY), now=time.time() - 400, expires=300, rand="0")
    assert run(f"http://a/in?auth_key={value}", "--key", "secret://env/ESA_KEY", "--check") == 1
    assert capsys.readouterr().out == "refused: expired\n"
    assert run("http://a/in", "--key", "secret://env/ESA_KEY", "--check") == 1
    assert capsys.readouterr().out == "refused: missing\n"


def test_chosen_path_is_hashed(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind a gateway that rewrites paths."""
    assert run("http://a/prod/in", "--key", "secret://env/ESA_KEY", "--path", "/in") == 0
    url = capsys.readouterr().out.strip()
    assert run(url, "--key", "secret://env/ESA_KEY", "--check", "--path", "/in") == 0
    assert run(url, "--key", "secret://env/ESA_KEY", "--check") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("a/in", "--key", "secret://env/ESA_KEY"), "url: does not begin with http:// or https://"),
        (("http://a/in", "--key", "secret://env/ESA_KEY", "--expires", "5"), "--expires: '5' is not between"),
        (("http://a/in", "--key", "secret://env/SHORT_KEY"), "the private key (not shown) is not 6 to 18 letters"),
        (("http://a/in", "--key", "secret://env/NO_KEY"), "environment variable NO_KEY is not set"),
        (("http://a/in", "--key", KEY), "not a reference to a secret (not shown)"),
    ],
)
def test_mistake_is_told(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and what to do; the key is in no message."""
    assert run(*words) == 2
    told = capsys.readouterr().err
    assert says in told
    assert KEY not in told
