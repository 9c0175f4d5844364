"""Secrets are found by reference, and their values are seen by nobody but `reveal`."""

import copy
import json
import logging
import os
import pickle
import pprint
import traceback
from pathlib import Path

import msgspec
import orjson
import pytest

from logferry.errors import ConfigError, LogferryError, Misconfigured
from logferry.vault import Secret, Vault

VALUE = "hunter2-sehr-geheim"


def test_environment_variable_is_found() -> None:
    """`secret://env/NAME` is the variable's value."""
    assert Vault({"TOKEN": VALUE}).resolve("secret://env/TOKEN").reveal() == VALUE


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_missing_or_empty_variable_says_what_to_set(environ: dict[str, str]) -> None:
    """The name is told, and that it must be set."""
    with pytest.raises(Misconfigured, match=r"secret://env/TOKEN: environment variable TOKEN is not set: set it"):
        Vault(environ).resolve("secret://env/TOKEN")


@pytest.mark.parametrize("body", [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"hunter2\n\n", b"\xef\xbb\xbfhunter2"])
def test_file_is_read_without_what_editors_add(tmp_path: Path, body: bytes) -> None:
    """Newlines at the end and a byte order mark are no part of a secret."""
    (tmp_path / "token").write_bytes(body)
    assert Vault({}).resolve(f"secret://file{tmp_path}/token").reveal() == "hunter2"


def test_newlines_within_a_file_stay(tmp_path: Path) -> None:
    """A key in PEM form has several lines."""
    (tmp_path / "key").write_text("one\ntwo\n")
    assert Vault({}).resolve(f"secret://file{tmp_path}/key").reveal() == "one\ntwo"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b"\r\n", "is empty"),
        (b"x" * 65_537, "is larger than 65536 bytes"),
        (VALUE.encode() + b"\xff", "is not UTF-8 text"),
    ],
)
def test_unusable_file_is_refused(tmp_path: Path, body: bytes, problem: str) -> None:
    """Empty, too large or not text: the path and the reason, nothing of what is inside."""
    (tmp_path / "token").write_bytes(body)
    with pytest.raises(Misconfigured, match=problem) as caught:
        Vault({}).resolve(f"secret://file{tmp_path}/token")
    assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["none", ".", "nul\0"])
def test_unreadable_file_says_what_to_do(tmp_path: Path, name: str) -> None:
    """Missing, a directory, no path at all: to be created, readable."""
    with pytest.raises(Misconfigured, match="create it, readable by this user"):
        Vault({}).resolve(f"secret://file{tmp_path}/{name}")


def test_largest_file_is_read(tmp_path: Path) -> None:
    """64 KiB is still a secret."""
    (tmp_path / "token").write_bytes(b"x" * 65_536)
    assert len(Vault({}).resolve(f"secret://file{tmp_path}/token").reveal()) == 65_536


def test_variable_that_is_not_text_is_refused() -> None:
    """Bytes that are no UTF-8 would break much later, in an error that carries the value."""
    with pytest.raises(Misconfigured, match="is not UTF-8 text") as caught:
        Vault({"TOKEN": VALUE + os.fsdecode(b"\xff")}).resolve("secret://env/TOKEN")
    assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "reference", [VALUE, f"secret://{VALUE}", f"secret:///{VALUE}", f"secret://{VALUE}/x", "secret://env/", "", "env/X"]
)
def test_what_is_no_reference_is_refused_and_not_shown(reference: str) -> None:
    """Somebody may have put the secret itself there: the known kinds are told, the text is not."""
    with pytest.raises(ConfigError, match=r"secret://KIND/NAME, KIND one of .*env.*file") as caught:
        Vault({}).resolve(reference)
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_secret_is_read_once() -> None:
    """A value stays as it was found until it is refreshed."""
    environ = {"TOKEN": "old"}
    vault = Vault(environ)
    first = vault.resolve("secret://env/TOKEN")
    environ["TOKEN"] = "new"
    assert vault.resolve("secret://env/TOKEN") is first


def test_refresh_reads_again_and_tells_a_change() -> None:
    """True for another value, False for the same."""
    environ = {"TOKEN": "old"}
    vault = Vault(environ)
    vault.resolve("secret://env/TOKEN")
    assert not vault.refresh("secret://env/TOKEN")
    environ["TOKEN"] = "new"
    assert vault.refresh("secret://env/TOKEN")
    assert vault.resolve("secret://env/TOKEN").reveal() == "new"


def test_refresh_that_fails_keeps_the_known_value() -> None:
    """A secret store that is away for a moment takes nothing from a running task."""
    environ = {"TOKEN": "old"}
    vault = Vault(environ)
    vault.resolve("secret://env/TOKEN")
    del environ["TOKEN"]
    with pytest.raises(Misconfigured):
        vault.refresh("secret://env/TOKEN")
    assert vault.resolve("secret://env/TOKEN").reveal() == "old"


def test_secret_prints_as_stars(caplog: pytest.LogCaptureFixture) -> None:
    """No way of making text shows it: str, repr, format, %, containers, exceptions, log lines."""
    secret = Secret(VALUE)
    logging.getLogger("test").warning("token %s %r", secret, [secret])
    holder = msgspec.defstruct("Holder", [("token", Secret)])(secret)
    texts = [
        *(str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", f"{secret:>20}", "%s %r" % (secret, secret)),  # noqa: UP031  # this way too
        *("{0} {0!s:^9}".format(secret), str({"a": (secret,)}), pprint.pformat([secret]), str(holder)),  # noqa: UP032  # this way too
        *(str(ValueError(secret)), caplog.text, str(dir(secret)), json.dumps({"a": secret}, default=str)),
        orjson.dumps({"a": secret}, default=str).decode(),
    ]
    assert not [text for text in texts if VALUE in text]
    assert f"{secret:>5}" == "  ***"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_is_not_pickled(protocol: int) -> None:
    """Nothing that is stored or sent between processes takes a secret along."""
    with pytest.raises(TypeError, match="a secret is not pickled"):
        pickle.dumps({"a": Secret(VALUE)}, protocol)


def test_secret_is_not_encoded() -> None:
    """The JSON encoders refuse it rather than looking inside."""
    for encode in (json.dumps, orjson.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            encode({"a": Secret(VALUE)})
        assert VALUE not in str(caught.value)


def test_secret_is_copied_as_itself() -> None:
    """Copies of what holds a secret hold the same one."""
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_secrets_compare_by_value() -> None:
    """Equal values are equal and hash alike; a secret never equals its bare text."""
    assert Secret(VALUE) == Secret(VALUE)
    assert len({Secret(VALUE), Secret(VALUE), Secret("other")}) == 2
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE


def test_secret_has_no_open_attributes() -> None:
    """It has no __dict__ that a debugger or serialiser would dump."""
    assert not hasattr(Secret(VALUE), "__dict__")


def test_no_error_of_the_vault_carries_a_value(tmp_path: Path) -> None:
    """Whatever goes wrong with one reference, the others' values are in none of it."""
    (tmp_path / "bad").write_bytes(VALUE.encode() + b"\xff")
    vault = Vault({"TOKEN": VALUE})
    vault.resolve("secret://env/TOKEN")
    for reference in ("secret://env/OTHER", f"secret://file{tmp_path}/bad", "secret://none/x", VALUE):
        with pytest.raises(LogferryError) as caught:
            vault.resolve(reference)
        assert VALUE not in "".join(traceback.format_exception(caught.value))
