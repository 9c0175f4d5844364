"""What a task cannot refer to: the function's own key, and what the kernel tells of the process."""

from pathlib import Path

import pytest

from logferry.errors import Misconfigured
from logferry.vault import Vault

ROLE = {"AWS_SECRET_ACCESS_KEY": "role-key", "ALIBABA_CLOUD_SECURITY_TOKEN": "role-token"}


@pytest.mark.parametrize("name", ROLE)
@pytest.mark.parametrize("cloud", ["AWS_LAMBDA_FUNCTION_NAME", "FC_FUNCTION_NAME"])
def test_a_functions_own_key_is_no_tasks_secret(name: str, cloud: str) -> None:
    """A task file that names it would have the role's key sent to an address of its own."""
    with pytest.raises(Misconfigured, match=f"{name} is part of the function's own key") as caught:
        Vault({**ROLE, cloud: "forward"}).resolve(f"secret://env/{name}")
    assert "role-" not in str(caught.value)


@pytest.mark.parametrize("name", ROLE)
def test_on_ones_own_machine_a_variable_is_what_one_makes_of_it(name: str) -> None:
    """There the key belongs to whoever writes the task."""
    assert Vault(ROLE).resolve(f"secret://env/{name}").reveal() == ROLE[name]


@pytest.mark.parametrize(
    "path", ["proc/self/environ", "proc/1/environ", "tmp/../proc/self/environ", "dev/zero", "sys/x"]
)
def test_files_of_the_kernel_are_no_secrets(path: str) -> None:
    """One of them holds every variable of the process."""
    with pytest.raises(Misconfigured, match="is no file of a person's"):
        Vault({}).resolve(f"secret://file/{path}")


def test_a_link_to_them_is_none_either(tmp_path: Path) -> None:
    """What counts is where it leads."""
    (tmp_path / "token").symlink_to("/proc/self/environ")
    with pytest.raises(Misconfigured, match="is no file of a person's"):
        Vault({}).resolve(f"secret://file{tmp_path}/token")
