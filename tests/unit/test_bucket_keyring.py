"""Whose key signs: references, the environment of a function, the SDK's search; and rotation of each."""

from pathlib import Path

import pytest

from logferry.buckets.keyring import ALIBABA_NAMES, AWS_NAMES, Environ, References, SdkChain, chosen
from logferry.errors import Misconfigured
from logferry.sigv4 import Key
from logferry.vault import Secret, Vault

ID, SECRET, TOKEN = "secret://env/ID", "secret://env/KEY", "secret://env/TOKEN"


def test_references_make_a_key() -> None:
    """With a token where one is named."""
    vault = Vault({"ID": "AK ", "KEY": "s", "TOKEN": "t"})
    assert References(vault, ID, SECRET).current() == Key("AK", Secret("s"))
    assert References(vault, ID, SECRET, TOKEN).current() == Key("AK", Secret("s"), Secret("t"))


def test_all_parts_of_a_rotated_key_are_read_again() -> None:
    """A new id with an old secret would never be right."""
    environ = {"ID": "one", "KEY": "1", "TOKEN": "x"}
    keys = References(Vault(environ), ID, SECRET, TOKEN)
    keys.current()
    assert not keys.renew()
    environ |= {"ID": "two", "KEY": "2", "TOKEN": "y"}
    assert keys.current().access_key_id == "one"
    assert keys.renew()
    assert keys.current() == Key("two", Secret("2"), Secret("y"))


def test_a_key_that_is_gone_does_not_raise_on_renewal() -> None:
    """The next request says what is missing."""
    environ = {"ID": "one", "KEY": "1"}
    keys = References(Vault(environ), ID, SECRET)
    keys.current()
    environ.clear()
    assert not keys.renew()


@pytest.mark.parametrize("key_id", ["a b", "a/b", "a\nb", "é"])
def test_an_id_that_would_break_the_header_is_refused(key_id: str) -> None:
    """Without repeating it: it may be the secret, swapped."""
    with pytest.raises(Misconfigured, match="secret://env/ID: holds characters") as caught:
        References(Vault({"ID": key_id, "KEY": "s"}), ID, SECRET).current()
    assert key_id not in str(caught.value)


@pytest.mark.parametrize("names", [AWS_NAMES, ALIBABA_NAMES])
def test_a_functions_environment_makes_a_key(names: tuple[str, str, str]) -> None:
    """As Lambda and Function Compute set it; renewed by each invocation, found by `renew`."""
    environ = dict(zip(names, ("AK", "s", "t"), strict=True))
    keys = Environ(Vault(environ), names)
    assert keys.current() == Key("AK", Secret("s"), Secret("t"))
    assert not keys.renew()
    environ |= dict(zip(names, ("AK2", "s2", "t2"), strict=True))
    assert keys.renew()
    assert keys.current() == Key("AK2", Secret("s2"), Secret("t2"))


def test_an_environment_without_a_key_names_the_variables() -> None:
    """And the options that would do instead."""
    with pytest.raises(Misconfigured, match=r"access_key_id.*ALIBABA_CLOUD_ACCESS_KEY_ID"):
        Environ(Vault({}), ALIBABA_NAMES).current()


def test_renewing_where_there_is_no_key_is_no_error() -> None:
    """The engine asks after each refusal; the next request looks anew, and finds what is there by then."""
    environ: dict[str, str] = {}
    keys = Environ(Vault(environ), ALIBABA_NAMES)
    assert not keys.renew()
    environ |= dict.fromkeys(ALIBABA_NAMES, "x")
    assert keys.current().access_key_id == "x"


def test_the_options_come_before_the_environment() -> None:
    """What the task names is what it gets."""
    vault = Vault({"ID": "AK", "KEY": "s"} | dict.fromkeys(AWS_NAMES, "other"))
    behind = Environ(vault, AWS_NAMES)
    assert chosen(vault, (ID, SECRET, None), behind).current().access_key_id == "AK"
    assert chosen(vault, (None, None, None), behind).current().access_key_id == "other"


def test_the_sdks_search_finds_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `aws configure` wrote; after a change, `renew` finds the new one."""
    file = tmp_path / "credentials"
    for name in ("AWS_PROFILE", *AWS_NAMES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    file.write_text("[default]\naws_access_key_id = AK\naws_secret_access_key = s\n")
    keys = Environ(Vault({}), AWS_NAMES, SdkChain())
    assert keys.current() == Key("AK", Secret("s"))
    assert not keys.renew()
    file.write_text("[default]\naws_access_key_id = AK2\naws_secret_access_key = s2\naws_session_token = t\n")
    assert keys.renew()
    assert keys.current() == Key("AK2", Secret("s2"), Secret("t"))


def test_a_search_that_finds_nothing_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profile, no role."""
    for name in ("AWS_PROFILE", *AWS_NAMES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(Misconfigured, match="no access key: give access_key_id"):
        SdkChain().current()
