"""docs/deploy-aws.md and docs/deploy-fc.md: every block that needs no account, run in order in a fresh clone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.kafka_broker import free_ports
from tests.services import SAM, SERVERLESS_DEVS

ROOT = Path(__file__).parents[2]
PAGES = ("deploy-aws.md", "deploy-fc.md")
ACCOUNT = re.compile(r"# needs an (AWS|Alibaba Cloud) account\n")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[str]:
    """The page's shell, block by block."""
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is committed, packaged once; wheels and the Python that compiles come from this checkout."""
    place = tmp_path_factory.mktemp("fresh") / "logferry"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(place)], check=True, timeout=60)
    (place / "build").mkdir()
    for name in ("packages", "services"):
        (ROOT / "build" / name).mkdir(parents=True, exist_ok=True)
        (place / "build" / name).symlink_to(ROOT / "build" / name)
    made = subprocess.run(
        ["logferry", "package"], cwd=place, env=environ(place), capture_output=True, text=True, timeout=250, check=False
    )
    assert made.returncode == 0, made.stderr
    return place


def environ(home: Path) -> dict[str, str]:
    """A shell in which the page's programs are there, nothing is set, and no proxy lets anything out."""
    path = ":".join(
        [str(Path(sys.executable).parent), str(SAM.parent), str(SERVERLESS_DEVS.parent), os.environ["PATH"]]
    )
    return {"PATH": path, "HOME": str(home), "SAM_CLI_TELEMETRY": "0"}


def run(page: str, clone: Path) -> str:
    """What the blocks print. `make package` would make an environment: its second half ran already."""
    script = "\n".join(block for block in blocks(page) if not ACCOUNT.match(block))
    assert "make package" in script
    script = re.sub(r"^make package.*", "ls dist", script, flags=re.MULTILINE)
    for port, free in zip(("8070", "8088"), free_ports(2), strict=True):
        script = script.replace(port, str(free))
    script = f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -m\n{script}"
    folder = clone / "rehearsal"
    assert not folder.exists()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=clone, env=environ(clone), capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    folder.rename(clone / f"rehearsal-{page}")
    return done.stdout


@pytest.mark.service("sam")
def test_on_aws(clone: Path) -> None:
    """Checked, linted, rehearsed: 500 records delivered by `sweep` under Lambda's contract, the ledger verified."""
    said = run("deploy-aws.md", clone)
    assert "is a valid SAM Template" in said
    assert "balanced, recounted at the source" in said
    assert said.splitlines()[-1].strip() == "500"


@pytest.mark.service("serverless-devs")
def test_on_function_compute(clone: Path) -> None:
    """Checked, previewed, rehearsed by the triggers of `s.yaml`; a policy file for each role."""
    said = run("deploy-fc.md", clone)
    assert "balanced, recounted at the source" in said
    assert "\n500\n" in said
    assert said.splitlines()[-7:] == [
        f"{name}.json"
        for name in ("forward", "prove_ownership", "receive", "replay", "sweep", "trust", "verify_request")
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_block_that_reaches_a_cloud_is_marked(page: str) -> None:
    """Commands of the clouds' own programs stand only where the reader is told that an account is needed."""
    for block in blocks(page):
        reaches = re.search(
            r"^\s*(aws|aliyun|sam deploy|sam delete|s deploy|s remove|s cli|pip install) ?", block, re.MULTILINE
        )
        assert bool(reaches) <= bool(ACCOUNT.match(block)), block


@pytest.mark.parametrize(("page", "key"), [("deploy-aws.md", "real-id"), ("deploy-fc.md", "")])
def test_the_rehearsals_keys_are_not_those_of_the_verification(page: str, key: str) -> None:
    """In one shell from the first block to the last: `ledger --verify` has a real key or none."""
    last = next(at for at, block in enumerate(blocks(page)) if ACCOUNT.match(block) and "ledger" in block)
    lines = "\n".join(blocks(page)[: last + 1]).splitlines()
    kept = [re.sub(r"\$\(.*?\)", "", line) for line in lines if line.startswith(("export ", "unset ", "read "))]
    script = "\n".join([*kept, 'printf %s "${SLS_AK_ID-}"'])
    done = subprocess.run(
        ["bash", "-c", script], input="real-id\nreal-key\nreal-token\n", capture_output=True, text=True,
        timeout=20, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.stdout == key
