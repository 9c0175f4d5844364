"""Which outside programs the tests can use, by name."""

import os
import shutil
from functools import cache
from pathlib import Path

__all__ = ["available"]

ROOT = Path(__file__).parent.parent
SYSLOG_NG_ROOT = Path(os.environ.get("LOGFERRY_SYSLOG_NG_ROOT", ROOT / "build/services/syslog-ng"))
NGINX_ROOT = Path(os.environ.get("LOGFERRY_NGINX_ROOT", ROOT / "build/services/nginx"))
PYTHON312 = Path(os.environ.get("LOGFERRY_PYTHON312_ROOT", ROOT / "build/services/python3.12"))
KAFKA_JARS = Path(os.environ.get("LOGFERRY_KAFKA_JARS", ROOT / "build/services/kafka"))
DYNAMODB_JARS = Path(os.environ.get("LOGFERRY_DYNAMODB_JARS", ROOT / "build/services/dynamodb"))


@cache
def available(name: str) -> bool:
    """Whether the program is here (a name without an entry below is looked for on the PATH)."""
    if name == "syslog-ng":
        return (SYSLOG_NG_ROOT / "usr/sbin/syslog-ng").exists() or shutil.which("syslog-ng") is not None
    if name == "nginx":
        return (NGINX_ROOT / "usr/sbin/nginx").exists() or shutil.which("nginx") is not None
    if name == "python3.12":
        return (PYTHON312 / "complete").exists()
    if name == "kafka":
        return (KAFKA_JARS / "complete").exists() and shutil.which("java") is not None
    if name == "dynamodb-local":
        return (DYNAMODB_JARS / "complete").exists() and shutil.which("java") is not None
    return shutil.which(name) is not None
