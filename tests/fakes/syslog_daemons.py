"""Real rsyslog and syslog-ng, each with one input a transport on loopback, writing what they parsed as JSON lines.

They run in the foreground under a folder of the test, with their own configuration, and are ended by their process.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.certificates import Authority
from tests.services import SYSLOG_NG_ROOT

__all__ = ["Daemon", "rsyslog", "syslog_ng"]


class Daemon(NamedTuple):
    """A running receiver. Ports by input: udp, tcp (rsyslog: both framings), tls, mtls; syslog-ng also octets,
    legacy (RFC 3164 by lines) and values (JSON, written as a CEF extension by `extensions`)."""

    ports: Mapping[str, int]
    out: Path
    authority: Authority
    process: subprocess.Popen[bytes]

    def received(self, count: int, *, wait: float = 15.0) -> list[dict[str, Any]]:
        """What it parsed; waits until there are `count`, and a moment longer for any too many."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline and len(_lines(self.out)) < count:
            time.sleep(0.05)
        time.sleep(0.1)
        return [json.loads(line) for line in _lines(self.out)]

    def extensions(self, values: Sequence[Mapping[str, str]]) -> list[str]:
        """What syslog-ng's own function makes of these values, one extension each."""
        out = self.out.with_name(self.out.name + ".cef")
        before = len(_lines(out))
        with socket.create_connection(("127.0.0.1", self.ports["values"]), timeout=5) as end:
            end.sendall("".join(json.dumps(one) + "\n" for one in values).encode())
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and len(_lines(out)) < before + len(values):
            time.sleep(0.05)
        return _lines(out)[before:]


_RSYSLOG = r"""
global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
  defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{cert}" defaultNetstreamDriverKeyFile="{key}")
module(load="imudp") module(load="imtcp")
template(name="lines" type="list" option.jsonf="on") {{
  property(outname="input" name="inputname" format="jsonf") property(outname="pri" name="pri" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf") property(outname="msgid" name="msgid" format="jsonf")
  property(outname="data" name="structured-data" format="jsonf") property(outname="msg" name="msg" format="jsonf")
  property(outname="tag" name="syslogtag" format="jsonf") }}
ruleset(name="keep") {{ action(type="omfile" file="{out}" template="lines" asyncWriting="off" flushOnTXEnd="on") }}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="keep" name="udp" rcvbufSize="4m")
input(type="imtcp" address="127.0.0.1" port="{tcp}" ruleset="keep" name="tcp")
input(type="imtcp" address="127.0.0.1" port="{tls}" ruleset="keep" name="tls" streamDriver.name="ossl"
  streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{mtls}" ruleset="keep" name="mtls" streamDriver.name="ossl"
  streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="{gtls}" ruleset="keep" name="gtls" streamDriver.name="gtls"
  streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
"""

_SYSLOG_NG = r"""@version: {version}
options {{ log-msg-size(65536); keep-hostname(yes); use-dns(no); chain-hostnames(no); stats-freq(0); frac-digits(6);
  keep-timestamp(yes); flush-lines(1); time-zone("UTC"); }};
source udp {{ network(ip("127.0.0.1") transport("udp") port({udp}) flags(syslog-protocol) so-rcvbuf(4194304)); }};
source tcp {{ network(ip("127.0.0.1") transport("tcp") port({tcp}) flags(syslog-protocol)); }};
source legacy {{ network(ip("127.0.0.1") transport("tcp") port({legacy})); }};
source values {{ network(ip("127.0.0.1") transport("tcp") port({values}) flags(no-parse)); }};
parser values {{ json-parser(prefix(".cef.")); }};
destination extension {{ file("{out}.cef" template("$(format-cef-extension --subkeys .cef.)\n")); }};
log {{ source(values); parser(values); destination(extension); }};
source octets {{ syslog(ip("127.0.0.1") transport("tcp") port({octets})); }};
source tls {{ syslog(ip("127.0.0.1") transport("tls") port({tls}) tls(key-file("{key}") cert-file("{cert}")
  peer-verify(optional-untrusted))); }};
source mtls {{ syslog(ip("127.0.0.1") transport("tls") port({mtls}) tls(key-file("{key}") cert-file("{cert}")
  ca-file("{ca}") peer-verify(required-trusted))); }};
destination keep {{ file("{out}" template("$(format-json input=$SOURCE time=$ISODATE pri=$PRI host=$HOST app=$PROGRAM
 procid=$PID msgid=$MSGID data=$SDATA msg=$MSG tag=$MSGHDR)\n")); }};
log {{ source(udp); source(tcp); source(legacy); source(octets); source(tls); source(mtls); destination(keep); }};
"""


@contextlib.contextmanager
def rsyslog(folder: Path) -> Iterator[Daemon]:
    """An rsyslogd; input mtls asks for a client certificate through OpenSSL, gtls through GnuTLS."""

    def command(conf: Path) -> Sequence[str]:
        return ("rsyslogd", "-n", "-f", str(conf), "-i", str(folder / "rsyslog.pid"))

    with _running(folder, ("udp", "tcp", "tls", "mtls", "gtls"), _RSYSLOG, command) as daemon:
        yield daemon


@contextlib.contextmanager
def syslog_ng(folder: Path) -> Iterator[Daemon]:
    """A syslog-ng, unpacked or installed."""
    root = SYSLOG_NG_ROOT if (SYSLOG_NG_ROOT / "usr/sbin/syslog-ng").exists() else Path("/")
    program = str(root / "usr/sbin/syslog-ng")
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu"), root / "usr/lib/syslog-ng"]
    environ = {"LD_LIBRARY_PATH": ":".join(map(str, libraries))} if root != Path("/") else {}
    modules = next(iter(sorted(root.glob("usr/lib/syslog-ng/[0-9]*"))), root / "usr/lib/syslog-ng")

    def command(conf: Path) -> Sequence[str]:
        places = [("-f", conf), ("-p", folder / "pid"), ("-R", folder / "persist"), ("-c", folder / "control")]
        flags = [str(word) for pair in places for word in pair]
        return (program, "-F", *flags, "--no-caps", f"--module-path={modules}")

    version = re.search(r"\d+\.\d+", modules.name)
    template = _SYSLOG_NG.replace("{version}", version[0] if version else "3.38")
    with _running(
        folder, ("udp", "tcp", "legacy", "values", "octets", "tls", "mtls"), template, command, environ
    ) as daemon:
        yield daemon


@contextlib.contextmanager
def _running(
    folder: Path, inputs: Sequence[str], template: str, command: Callable[[Path], Sequence[str]],
    environ: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    certificate = authority.issue(["localhost"])
    ports = dict(zip(inputs, _free_ports(len(inputs)), strict=True))
    conf, out, noise = folder / "daemon.conf", folder / "out.jsonl", folder / "daemon.log"
    conf.write_text(
        template.format(
            folder=folder, out=out, ca=authority.ca_file, cert=certificate.cert_file, key=certificate.key_file, **ports
        )
    )
    with noise.open("wb") as log:
        process = subprocess.Popen(command(conf), stdout=log, stderr=log, env={**os.environ, **(environ or {})})
    try:
        for name, port in ports.items():
            if name != "udp":
                _wait_for(port, process, noise)
        yield Daemon(ports, out, authority, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _lines(path: Path) -> list[str]:
    """Whole lines only."""
    if not path.exists():
        return []
    text = path.read_text("utf-8", "backslashreplace")
    return text[: text.rfind("\n") + 1].split("\n")[:-1]


def _free_ports(count: int) -> list[int]:
    """Ports that are free for TCP and UDP now: the daemons cannot be asked for port 0."""
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            found.append(tcp.getsockname()[1])
        return found


def _wait_for(port: int, process: subprocess.Popen[bytes], noise: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} does not listen on {port}: {noise.read_text()[-2000:]}")
