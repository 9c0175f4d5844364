"""One stream under TLS: whom it trusts, what it notices late, how it ends."""

import re
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, close, silence

from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.transport.tls import Trust, client_context
from logferry.transport.wire import Stream

GRACE = 0.2


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs this module's certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def received() -> list[bytes]:
    """What a server read, and how the client ended."""
    return []


def read_all(received: list[bytes]) -> Behaviour:
    """A behaviour that reads to the end and notes whether the client said goodbye."""

    def behave(end: socket.socket) -> None:
        while chunk := end.recv(65536):
            received.append(chunk)
        assert isinstance(end, ssl.SSLSocket)
        end.unwrap()  # raises where the client ended without close_notify
        received.append(b"<goodbye>")

    return behave


def outcome(port: int, trust: Trust, host: str = "127.0.0.1") -> DeliveryError | None:
    """What connecting and delivering a few bytes comes to."""
    made = Stream(host, port, trust, grace=GRACE)
    try:
        made.connect(5)
        made.write(b"x" * 10, 5)
        made.drain(5)
    except DeliveryError as error:
        return error
    made.close()
    return None


def test_trusted_server_gets_the_bytes_and_a_goodbye(authority: Authority, received: list[bytes]) -> None:
    """With the authority's file the bytes arrive, and the end is announced by close_notify."""
    with Misbehaving(read_all(received), tls=authority.issue().server_context(), http=False) as server:
        assert outcome(server.port, Trust(str(authority.ca_file))) is None
    assert b"".join(received) == b"x" * 10 + b"<goodbye>"


@pytest.mark.parametrize(
    ("names", "expired", "known", "says"),
    [
        (["other.example"], False, True, "not valid for '127.0.0.1'.; write as host the name"),
        (["127.0.0.1"], True, True, "has expired; the receiver's certificate must be renewed"),
        (["127.0.0.1"], False, False, "issuer certificate; give the receiver's authority in ca_file"),
    ],
)
def test_wrong_certificate_is_misconfigured(
    authority: Authority, names: list[str], expired: bool, known: bool, says: str  # noqa: FBT001  # parameters of the test
) -> None:  # fmt: skip
    """Another name, an old date, an unknown authority: each says what to do about it, and no byte is sent."""
    context = authority.issue(names, expired=expired).server_context()
    with Misbehaving(silence, tls=context, http=False) as server:
        error = outcome(server.port, Trust(str(authority.ca_file) if known else None))
    assert isinstance(error, Misconfigured)
    assert re.search(says, str(error)), error


def test_unverified_certificate_passes_only_on_demand(authority: Authority, received: list[bytes]) -> None:
    """`verify` off accepts what would be refused."""
    context = authority.issue(["other.example"]).server_context()
    with Misbehaving(read_all(received), tls=context, http=False) as server:
        assert outcome(server.port, Trust(verify=False)) is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_missing_client_certificate_is_noticed(authority: Authority, version: ssl.TLSVersion) -> None:
    """A server's refusal is an error, under TLS 1.3 too, where it comes after our handshake has succeeded."""
    context = authority.issue().server_context(client_ca=authority.ca_file)
    context.minimum_version = context.maximum_version = version
    with Misbehaving(silence, tls=context, http=False) as server:
        error = outcome(server.port, Trust(str(authority.ca_file)))
    assert isinstance(error, Misconfigured)
    assert "set cert_file and key_file" in str(error) or "wants one and there is none" in str(error)


def test_client_certificate_is_shown(authority: Authority, received: list[bytes]) -> None:
    """With `cert_file` and `key_file` a server that demands a certificate is satisfied."""
    mine = authority.issue(["client1"])
    context = authority.issue().server_context(client_ca=authority.ca_file)
    with Misbehaving(read_all(received), tls=context, http=False) as server:
        trust = Trust(str(authority.ca_file), True, str(mine.cert_file), str(mine.key_file))  # noqa: FBT003  # a tuple's field
        assert outcome(server.port, trust) is None
    assert b"".join(received).startswith(b"x" * 10)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("expired", "known", "says"), [(True, True, "renew cert_file"), (False, False, "does not trust the authority")]
)
def test_refused_client_certificate_is_noticed(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion, expired: bool, known: bool, says: str  # noqa: FBT001  # parameters of the test
) -> None:  # fmt: skip
    """Our certificate is old or of an authority the server does not know: said before anything is written."""
    signer = authority if known else Authority(tmp_path / "stranger", name="stranger")
    mine = signer.issue(["client1"], expired=expired)
    context = authority.issue().server_context(client_ca=authority.ca_file)
    context.minimum_version = context.maximum_version = version
    with Misbehaving(silence, tls=context, http=False) as server:
        trust = Trust(str(authority.ca_file), True, str(mine.cert_file), str(mine.key_file))  # noqa: FBT003  # a tuple's field
        made = Stream("127.0.0.1", server.port, trust)
        with pytest.raises(Misconfigured, match=says):
            made.connect(5)


def test_end_right_after_the_handshake_is_noticed(authority: Authority) -> None:
    """A server whose program refuses after the handshake, by closing, has not been connected to."""
    with Misbehaving(close, tls=authority.issue().server_context(), http=False) as server:
        error = outcome(server.port, Trust(str(authority.ca_file)))
    assert isinstance(error, Transient)
    assert "client certificate" in str(error)


def test_alert_after_the_write_fails_the_drain(authority: Authority) -> None:
    """A refusal that comes later than the grace is found by the drain."""

    def refuse_late(end: socket.socket) -> None:
        time.sleep(GRACE + 0.2)
        end.recv(10)
        close(end)

    with Misbehaving(refuse_late, tls=authority.issue().server_context(), http=False) as server:
        made = Stream("127.0.0.1", server.port, Trust(str(authority.ca_file)), grace=GRACE)
        made.write(b"x" * 10, 5)
        time.sleep(0.5)
        with pytest.raises(Transient, match="10 bytes written before are in doubt"):
            made.drain(5)


def test_peer_that_speaks_no_tls_is_misconfigured() -> None:
    """An answer that is not TLS cannot be waited out."""

    def plain(end: socket.socket) -> None:
        end.sendall(b"220 welcome\r\n")
        end.recv(1000)

    with Misbehaving(plain, http=False) as server:
        assert isinstance(outcome(server.port, Trust()), Misconfigured)


def test_peer_that_does_not_answer_the_handshake_is_transient() -> None:
    """Silence is worth another try; the text asks whether it is TLS at all."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(Transient, match="does it speak TLS"):
        Stream("127.0.0.1", deaf.getsockname()[1], Trust()).connect(0.3)


@pytest.fixture
def locked(authority: Authority, tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key under a password."""
    mine = authority.issue(["client1"])
    key = serialization.load_pem_private_key(mine.key_file.read_bytes(), None)
    path = tmp_path / "locked.key"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    return mine.cert_file, path


def test_encrypted_key_is_misconfigured(locked: tuple[Path, Path]) -> None:
    """A key that wants a password is an error, never a question at the terminal."""
    with pytest.raises(Misconfigured, match="key is encrypted"):
        client_context(Trust(None, True, str(locked[0]), str(locked[1])))  # noqa: FBT003  # a tuple's field


def test_file_that_is_not_there_is_named(authority: Authority, tmp_path: Path) -> None:
    """Which of the two it is."""
    mine = authority.issue(["client1"])
    with pytest.raises(Misconfigured, match=r"^key_file .*gone\.key: No such file or directory$"):
        client_context(Trust(None, True, str(mine.cert_file), str(tmp_path / "gone.key")))  # noqa: FBT003  # a tuple's field


def test_key_that_we_may_not_read_is_named(authority: Authority, tmp_path: Path) -> None:
    """The account is at fault, and the text says so. Root may read everything, so it is another account that tries."""
    mine = authority.issue(["client1"])
    mine.key_file.chmod(0)
    files = tmp_path / "files.py"
    files.write_text(
        "import os, sys\nfrom logferry.transport.tls import Trust, client_context\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "client_context(Trust(None, True, *sys.argv[1:]))\n"
    )
    for folder in (mine.key_file.parent, *mine.key_file.parent.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o111)
    run = [sys.executable, str(files), str(mine.cert_file), str(mine.key_file)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert "key: Permission denied; the account that runs this must be able to read it" in done.stderr


def test_key_that_anybody_may_read_is_warned_of(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """It works all the same: mounted secrets often have no narrower rights."""
    mine = authority.issue(["client1"])
    for mode in (0o600, 0o640, 0o644):
        mine.key_file.chmod(mode)
        client_context(Trust(None, True, str(mine.cert_file), str(mine.key_file)))  # noqa: FBT003  # a tuple's field
    (line,) = caplog.records
    assert line.getMessage() == "key file readable by every account"


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_bad_ca_file_is_misconfigured(tmp_path: Path, content: str | None) -> None:
    """A missing or wrong file is named, with what belongs there."""
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(Misconfigured, match=r"ca_file .*ca\.pem.*a PEM file of certificates is needed"):
        client_context(Trust(str(path)))


def test_old_versions_are_not_offered() -> None:
    """TLS 1.2 is the least."""
    assert client_context(Trust()).minimum_version == ssl.TLSVersion.TLSv1_2
