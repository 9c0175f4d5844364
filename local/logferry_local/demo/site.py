"""One folder with everything in it: log store, receivers, state, dead letters, task files, logs."""

import os
import re
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

import orjson

from logferry import wiring
from logferry.apply import apply
from logferry.errors import StateError
from logferry.sources import Surroundings
from logferry.vault import Vault
from logferry_local import checkout
from logferry_local.demo.children import running

__all__ = ["HEC", "LOGSTORE", "PROJECT", "SYSLOG", "Site", "TaskName"]

TaskName = Literal["waf-to-splunk", "waf-to-syslog"]
HEC: Final = "waf-to-splunk"
SYSLOG: Final = "waf-to-syslog"
PROJECT, LOGSTORE = "waf-demo", "waf-logstore"
# Nothing of the caller's own logferry or cloud accounts may reach the demo.
_FOREIGN = re.compile("LOGFERRY_|SLS_|ALIBABA_CLOUD_|AWS_|FC_")

_TASK = """\
task: {name}
source:
  sls: {{endpoint: "{endpoint}", project: {project}, logstore: {logstore}}}
category: waf
destination:
  {destination}
"""


class Site:
    """Where things are. `open` starts the log store and the receivers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = checkout.root()
        self.files: dict[str, Path] = {HEC: folder / "received/hec.ndjson", SYSLOG: folder / "received/syslog.ndjson"}
        self.logs = folder / "logs"
        self.endpoint = ""
        self.token = secrets.token_hex(16)
        kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
        self.settings = {
            "SLS_AK_ID": "demo-key",
            "SLS_AK_KEY": secrets.token_hex(16),
            "SPLUNK_TOKEN": self.token,
            "LOGFERRY_STATE": f"sqlite:{folder / 'state.db'}",
            "LOGFERRY_OBJECTS": f"folder:{folder / 'objects'}",
        }
        self.environ = kept | self.settings

    def open(self, stack: ExitStack, hec_faults: Path | None = None) -> None:
        """Start everything, write the task files and the settings."""
        for name in ("logs", "received", "tasks"):
            (self.folder / name).mkdir()
        keys = f"{self.settings['SLS_AK_ID']}:{self.settings['SLS_AK_KEY']}"
        store = ["sls", "serve", "--port", "0", "--data", str(self.folder / "sls")]
        environ = {**self.environ, "LOGFERRY_SLS_ACCESS_KEYS": keys}
        line = stack.enter_context(running(store, environ, self.logs / "sls.log"))
        self.endpoint = orjson.loads(line)["address"]
        faults = ["--faults", str(hec_faults.resolve())] if hec_faults else []
        hec = self._sink(stack, "hec", self.files[HEC], ["--token", self.token, *faults])
        syslog = self._sink(stack, "syslog", self.files[SYSLOG], [])
        port = syslog.rpartition(":")[2]
        self._write(HEC, f'splunk_hec: {{url: "{hec}", token: "secret://env/SPLUNK_TOKEN", sourcetype: "aliyun:waf"}}')
        self._write(SYSLOG, f"syslog_server: {{host: 127.0.0.1, port: {port}, protocol: tcp, tag: waf}}")
        exports = "".join(f"export {name}='{value}'\n" for name, value in self.settings.items())
        path = self.folder / "environment"
        path.touch(mode=0o600)
        path.write_text(exports, encoding="utf-8")

    def apply(self, task: TaskName) -> None:
        """Put a task to work, as `logferry task apply FILE` does."""
        text = self.task_file(task).read_bytes()
        around = Surroundings(self.environ, Vault(self.environ))
        apply(text, wiring.workshop(self.environ).table, around, subject=f"task {task}")

    def task_file(self, task: TaskName) -> Path:
        """Where the task is written down."""
        return self.folder / f"tasks/{task}.yaml"

    def _sink(self, stack: ExitStack, kind: str, out: Path, more: list[str]) -> str:
        """A receiver's address."""
        arguments = ["sink", kind, "--port", "0", "--out", str(out), *more]
        line = stack.enter_context(running(arguments, self.environ, self.logs / f"sink-{kind}.log"))
        found = re.search(r"[a-z]+://[^\s,]+", line)
        if found is None:
            raise StateError(f"sink {kind}: told no address, but {line[:200]!r}")
        return found[0]

    def _write(self, task: TaskName, destination: str) -> None:
        text = _TASK.format(
            name=task, endpoint=self.endpoint, project=PROJECT, logstore=LOGSTORE, destination=destination
        )
        self.task_file(task).write_text(text, encoding="utf-8")
