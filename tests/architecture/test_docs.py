"""Documentation that cannot rot: what is in the code has its place in docs/."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from logferry import registry, task
from logferry.config import Config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
KINDS = [(room, name) for room in ("destinations", "sources") for name in registry.names(room)]
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
YAML_BLOCK = re.compile(r"^```yaml\n(?P<text>task: .*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("room", "name"), KINDS)
def test_every_kind_has_a_page_that_names_each_option(room: str, name: str) -> None:
    """An option that is not documented does not exist for the reader."""
    page = (DOCS / room / f"{name}.md").read_text(encoding="utf-8")
    config: type[Config] = registry.find(room, name).Config
    assert [field.encode_name for field in msgspec.structs.fields(config) if f"`{field.encode_name}`" not in page] == []


@pytest.mark.parametrize("name", [field.encode_name for field in msgspec.structs.fields(task.Task)])
def test_every_key_of_a_task_is_documented(name: str) -> None:
    """docs/tasks.md names each key of the task file."""
    assert f"`{name}`" in (DOCS / "tasks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_task_file_in_the_docs_loads(page: Path) -> None:
    """An example that does not load is a lie."""
    for found in YAML_BLOCK.finditer(page.read_text(encoding="utf-8")):
        assert yaml.safe_load(found["text"])["task"]
        task.parse(found["text"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links point at files that exist."""
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_environment_name_is_documented() -> None:
    """docs/deploy.md lists every LOGFERRY_ and SLS_ name that the code reads."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("layers/core/python", "local")
        for path in (ROOT / folder).rglob("*.py")
    )
    names = set(re.findall(r'"((?:LOGFERRY|SLS)_[A-Z_]+)"', code))
    page = (DOCS / "deploy.md").read_text(encoding="utf-8")
    assert sorted(name for name in names if f"`{name}`" not in page) == []
