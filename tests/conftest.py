"""Services a test needs: skipped and listed where absent, a failure when they are required (CI)."""

import os
from pathlib import Path

import pytest
from tests.services import available

ROOT = Path(__file__).parent.parent
REQUIRED = os.environ.get("LOGFERRY_REQUIRE_SERVICES") == "1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip (or, in CI, fail) a test whose service is not on this machine."""
    for marker in item.iter_markers("service"):
        for name in marker.args:
            if available(name):
                continue
            message = f"service {name} is not on this machine (make services installs it)"
            if REQUIRED:
                pytest.fail(message)
            pytest.skip(message)
