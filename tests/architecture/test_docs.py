"""Documentation that cannot rot: what is in the code has its place in docs/."""

import ast
import configparser
import importlib
import importlib.util
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from logferry import errors, registry, task
from logferry.config import Config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
KINDS = [(room, name) for room in ("destinations", "sources") for name in registry.names(room)]
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
ERRORS = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
ENVIRONMENT = re.compile(r'"((?:LOGFERRY|SLS)_[A-Z_]+)"')
YAML_BLOCK = re.compile(r"^```yaml\n(?P<text>task: .*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("room", "name"), KINDS)
def test_every_kind_has_a_page_that_names_each_option(room: str, name: str) -> None:
    """An option that is not documented does not exist for the reader."""
    page = (DOCS / room / f"{name}.md").read_text(encoding="utf-8")
    config: type[Config] = registry.find(room, name).Config
    assert [field.encode_name for field in msgspec.structs.fields(config) if f"`{field.encode_name}`" not in page] == []


@pytest.mark.parametrize(
    "name", [name for name in registry.names("encoders") if hasattr(registry.find("encoders", name), "ROLE")]
)
def test_every_part_of_a_syslog_message_is_documented(name: str) -> None:
    """docs/formats.md has a section for each that names its options, and each field's key without a map."""
    module = registry.find("encoders", name)
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page
    section = re.search(rf"^## .*\b{name}\b.*\n(?P<text>(?:(?!## ).*\n)*)", page, re.MULTILINE)
    assert section
    options = [field.encode_name for field in msgspec.structs.fields(module.Config)]
    assert [option for option in options if f"`{option}`" not in section["text"]] == []
    rows = {row.partition("|")[0]: row for row in section["text"].split("\n| ")}
    pairs = getattr(module, "MAP", {}).items()
    assert [field for field, key in pairs if f"`{field}`" not in rows.get(f"`{key}` ", "")] == []


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


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links point at files that exist, and at headings that these have."""
    for target, anchor in re.findall(r"\]\((?!https?://|mailto:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        place = page.parent / target if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_fate(error: str) -> None:
    """docs/fates.md names each class of the error tree, but for the two that only hold others together."""
    assert error in ("LogferryError", "DeliveryError") or f"`{error}`" in (DOCS / "fates.md").read_text(
        encoding="utf-8"
    )


def environment_names(*folders: str) -> set[str]:
    """LOGFERRY_ and SLS_ names that code reads."""
    files = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {name for path in files for name in ENVIRONMENT.findall(path.read_text(encoding="utf-8"))}


def test_every_environment_name_is_documented() -> None:
    """docs/deploy.md lists every LOGFERRY_ and SLS_ name that the code reads."""
    page = (DOCS / "deploy.md").read_text(encoding="utf-8")
    names = environment_names("layers/core/python", "local")
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_every_environment_name_in_the_docs_is_read() -> None:
    """A name that nobody reads changes nothing."""
    known = environment_names("layers/core/python", "local", "tests")
    found = {
        name for page in PAGES for name in re.findall(r"\b(?:LOGFERRY|SLS)_[A-Z_]+", page.read_text(encoding="utf-8"))
    }
    assert sorted(found - known) == []


def test_readme_links_every_page() -> None:
    """Nothing has to be searched for."""
    targets = set(re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert [
        str(page.relative_to(ROOT)) for page in PAGES if str(page.relative_to(ROOT)) not in targets | {"README.md"}
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_the_docs_imports_what_there_is(page: Path) -> None:
    """Each block compiles, and each name of ours that it imports exists."""
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("logferry"):
                assert [name.name for name in node.names if not _is_there(str(node.module), name.name)] == []


def _is_there(module: str, name: str) -> bool:
    """Whether it can be imported from there: a name of the module, or a module of the package."""
    found = importlib.import_module(module)
    return hasattr(found, name) or (
        hasattr(found, "__path__") and importlib.util.find_spec(f"{module}.{name}") is not None
    )


def test_the_order_of_imports_is_the_enforced_one() -> None:
    """docs/architecture.md shows the layers as .importlinter has them."""
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter", encoding="utf-8")
    lines = linter["importlinter:contract:layers"]["layers"].replace("logferry.", "").split("\n")
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert "```text\n" + "\n".join(line.strip() for line in lines if line.strip()) + "\n```" in page


def test_readme_figures_are_measured_ones() -> None:
    """What the table under "Numbers" says stands in the one that `make bench` writes."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Numbers")[2].partition("\n## ")[0]
    figures = re.findall(r"\| ([\d.]+ (?:x|MB)) \|$", section, re.MULTILINE)
    assert len(figures) >= 6
    page = (DOCS / "performance.md").read_text(encoding="utf-8").partition("begin -->")[2].partition("<!--")[0]
    assert [figure for figure in figures if not re.search(rf"[| ]{re.escape(figure)}\b", page)] == []
