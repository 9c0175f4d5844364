"""The clouds' own tools take the deploy files: cfn-lint, `sam validate --lint`, `s preview`; no network, no account."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.services import SAM, SERVERLESS_DEVS

from logferry_local.trigger_runner import descriptor

ROOT = Path(__file__).parents[2]


def run(command: list[str], home: Path) -> "subprocess.CompletedProcess[str]":
    """A tool that finds no account, no settings, and tells nobody that it was called."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "SAM_CLI_TELEMETRY": "0", "http_proxy": "http://127.0.0.1:9",
               "https_proxy": "http://127.0.0.1:9"}  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=home, env=environ)


def preview(file: Path, home: Path) -> dict[str, object]:
    """What Serverless Devs makes of a file."""
    done = run([str(SERVERLESS_DEVS), "preview", "-t", str(file), "-o", "json", "--silent"], home)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)["resources"]
    return found


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    """The SAM template is valid, warnings included."""
    done = run([str(Path(sys.executable).with_name("cfn-lint")), "-t", str(ROOT / "template.yaml")], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.service("sam")
def test_sam_validates_the_template(tmp_path: Path) -> None:
    """As `sam deploy` will read it, with its own linter."""
    done = run([str(SAM), "validate", "--lint", "-t", str(ROOT / "template.yaml")], tmp_path)
    assert (done.returncode, "is a valid SAM Template" in done.stdout) == (0, True), done.stderr


@pytest.mark.service("sam")
def test_sam_refuses_a_broken_template(tmp_path: Path) -> None:
    """The check can fail."""
    broken = tmp_path / "template.yaml"
    broken.write_text((ROOT / "template.yaml").read_text().replace("RetentionInDays", "RetentionInDay"))
    assert run([str(SAM), "validate", "--lint", "-t", str(broken)], tmp_path).returncode == 1


@pytest.mark.service("sam")
@pytest.mark.parametrize("topic", ["", "arn:aws:sns:eu-central-1:123456789012:alarms"])
def test_sam_takes_the_parameters_as_the_page_has_them(topic: str, tmp_path: Path) -> None:
    """With a topic and without: an empty value has to be quoted for SAM, or it refuses the whole command."""
    page = (ROOT / "docs/deploy-aws.md").read_text()
    command = page[page.index("\nsam deploy ") :].partition("```")[0]
    shell = f'sam() {{ printf "%s\\n" "$@"; }}\nTOPIC_ARN={topic} AWS_REGION=eu-central-1\n{command}'
    words = run(["bash", "-euc", shell], tmp_path).stdout.splitlines()
    given = words[words.index("--parameter-overrides") + 1 :]
    asks = "import json,sys; from samcli.cli.types import CfnParameterOverridesType as P; "
    asks += "print(json.dumps(P().convert(tuple(sys.argv[1:]), None, None)))"
    done = run([str(SAM.with_name("python")), "-c", asks, *given], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"AlarmTopic": topic}


@pytest.mark.service("serverless-devs")
def test_serverless_devs_reads_what_the_trigger_runner_reads(tmp_path: Path) -> None:
    """The vendor's own program resolves variables, anchors and references as ours does, function by function."""
    seen = preview(ROOT / "s.yaml", tmp_path)
    ours = descriptor.read(ROOT / "s.yaml", environ={})
    assert list(seen) == list(ours)
    for name, props in ours.items():
        resource = seen[name]
        assert isinstance(resource, dict)
        assert resource["component"] == "fc3"
        theirs = resource["props"]
        assert theirs["environmentVariables"] == props.environment_variables
        assert theirs["code"] == props.code
        assert theirs.get("layers", []) == props.layers
        kinds = [trigger["triggerType"] for trigger in theirs["triggers"]]
        assert kinds == [trigger["triggerType"] for trigger in props.triggers]


@pytest.mark.service("serverless-devs")
def test_a_network_is_one_comment_away(tmp_path: Path) -> None:
    """Commented in, `vpcConfig` is the object that `vars` has, for both readers; verify_request stays outside."""
    text = (ROOT / "s.yaml").read_text()
    file = tmp_path / "s.yaml"
    file.write_text(text.replace("      # vpcConfig:", "      vpcConfig:"))
    there = yaml.safe_load(text)["vars"]["vpc"]
    for name, resource in preview(file, tmp_path).items():
        assert isinstance(resource, dict)
        assert resource["props"].get("vpcConfig") == (None if name == "verify_request" else there)
    inside = {name for name, props in descriptor.read(file, environ={}).items() if props.vpc_config}
    assert inside == {"forward", "sweep", "replay", "prove_ownership", "receive"}
