"""Each policy of `deploy/ram` against the calls that the function makes: all are allowed, none is to spare."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.recorder import Recorder, Seen
from tests.functions import grants
from tests.functions.rehearsal_fc import ENVIRON, rehearsing
from tests.functions.scenes import SCENES

from logferry.errors import ConfigError
from logferry.policies import ram as ram_policies
from logferry_local.deploy_files import ram

ROOT = Path(__file__).parents[2]
NAMES = [scene.__name__ for scene in SCENES]
# What Function Compute itself does with the function's role; the code calls none of it.
BY_FUNCTION_COMPUTE = {
    "log:PostLogStoreLogs": "writes the function's log",
    "mns:SendMessage": "tells the queue of an asynchronous call that failed for good",
}


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """After every scene."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in ENVIRON.items():
            environ.setenv(name, value)
        with rehearsing(tmp_path_factory.mktemp("rehearsal")) as made:
            for scene in SCENES:
                scene(made)
            yield made.recorder


def allowed(name: str) -> list[Seen]:
    """What the policy allows, one action on one resource each."""
    statements = ram.policy(ROOT, name, ROOT / "s.yaml")["Statement"]
    return [Seen(action, where) for one in statements for action in one["Action"] for where in one["Resource"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_call_is_allowed(recorder: Recorder, name: str) -> None:
    """The policy has each action on each resource that the code asked for, in good times and in bad ones."""
    assert grants.missing(recorder.of(name), allowed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_that_is_not_called(recorder: Recorder, name: str) -> None:
    """Each action was seen on its resource, but for what Function Compute itself does with the role."""
    spare = grants.spare(recorder.of(name), allowed(name))
    assert [grant for grant in spare if grant.action not in BY_FUNCTION_COMPUTE] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_policy_has_a_wildcard_for_an_action_or_for_everything(name: str) -> None:
    """Actions by name; resources by name too, of any account since a policy is of one."""
    for grant in allowed(name):
        assert "*" not in grant.action
        assert grant.resource.startswith(f"acs:{grant.action.partition(':')[0]}:")
        assert not grant.resource.endswith(":*")


def test_each_function_has_its_policy() -> None:
    """None is forgotten; trust is for all of them, as `logferry task policy` prints it."""
    functions = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    assert set(ram.documents(ROOT)) == {*functions, "trust"}
    assert ram.policy(ROOT, "trust", ROOT / "s.yaml") == ram_policies.trust().document


def test_a_policy_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """An unknown function, a file without variables, a variable that is not there."""
    file = tmp_path / "s.yaml"
    with pytest.raises(ConfigError, match="'sweeper' is not one of forward"):
        ram.policy(ROOT, "sweeper", ROOT / "s.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        ram.policy(ROOT, "sweep", file)
    file.write_text("vars: {region: cn-hangzhou}\n")
    with pytest.raises(ConfigError, match=r"vars\.secret"):
        ram.policy(ROOT, "sweep", file)
