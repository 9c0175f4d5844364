"""Which outside programs the tests can use, by name."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = ["SAM", "SERVERLESS_DEVS", "available"]

ROOT = Path(__file__).parent.parent
SYSLOG_NG_ROOT = Path(os.environ.get("LOGFERRY_SYSLOG_NG_ROOT", ROOT / "build/services/syslog-ng"))
NGINX_ROOT = Path(os.environ.get("LOGFERRY_NGINX_ROOT", ROOT / "build/services/nginx"))
PYTHON312 = Path(os.environ.get("LOGFERRY_PYTHON312_ROOT", ROOT / "build/services/python3.12"))
SAM = Path(os.environ.get("LOGFERRY_SAM_ROOT", ROOT / "build/services/sam")) / "bin/sam"
SERVERLESS_DEVS = (
    Path(os.environ.get("LOGFERRY_SERVERLESS_DEVS_ROOT", ROOT / "build/services/serverless-devs"))
    / "node_modules/.bin/s"
)
KAFKA_JARS = Path(os.environ.get("LOGFERRY_KAFKA_JARS", ROOT / "build/services/kafka"))
DYNAMODB_JARS = Path(os.environ.get("LOGFERRY_DYNAMODB_JARS", ROOT / "build/services/dynamodb"))


_THERE: dict[str, Callable[[], bool]] = {
    "syslog-ng": lambda: (SYSLOG_NG_ROOT / "usr/sbin/syslog-ng").exists() or shutil.which("syslog-ng") is not None,
    "nginx": lambda: (NGINX_ROOT / "usr/sbin/nginx").exists() or shutil.which("nginx") is not None,
    "python3.12": (PYTHON312 / "complete").exists,
    "kafka": lambda: (KAFKA_JARS / "complete").exists() and shutil.which("java") is not None,
    "dynamodb-local": lambda: (DYNAMODB_JARS / "complete").exists() and shutil.which("java") is not None,
    "sam": SAM.exists,
    "serverless-devs": lambda: SERVERLESS_DEVS.exists() and shutil.which("node") is not None,
}


@cache
def available(name: str) -> bool:
    """Whether the program is here (a name without an entry above is looked for on the PATH)."""
    return _THERE[name]() if name in _THERE else shutil.which(name) is not None
