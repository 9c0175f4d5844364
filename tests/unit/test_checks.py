"""What `make check` asks of lock files, licences and the tree: each check finds what is seeded for it."""

import hashlib
import json
from pathlib import Path

import pytest
from checks import __main__, leaks, licences, locks

ROOT = Path(__file__).parents[2]
HASH = "0" * 64
ENTRY: dict[str, object] = {
    "layer": "deps", "name": "six", "version": "1.17.0", "wheel": "six-1.17.0-py2.py3-none-any.whl", "sha256": HASH,
    "licence": "MIT", "licence_files": ["LICENSE"],
}  # fmt: skip


def tree(folder: Path, requirements: str = "six==1.17.0\n", entries: list[dict[str, object]] | None = None) -> Path:
    """A checkout of one layer."""
    (folder / "layers/deps").mkdir(parents=True)
    (folder / "layers/deps/requirements.txt").write_text(requirements)
    (folder / "layers/lock.json").write_text(json.dumps({"wheels": [ENTRY] if entries is None else entries}))
    project = '[project]\ndependencies = ["six>=1.16,<2"]\n[project.optional-dependencies]\naws = []\n'
    (folder / "pyproject.toml").write_text(project)
    return folder


def test_a_sound_tree_has_no_findings(tmp_path: Path) -> None:
    """Nothing is told where nothing is wrong."""
    assert [*locks.findings(tree(tmp_path)), *licences.findings(tmp_path)] == []


@pytest.mark.parametrize(
    "line",
    ["six", "six>=1", "six==1.*", "six @ https://x.example/six.whl", "-r other.txt", "--index-url https://x.example"],
)
def test_what_is_not_pinned_to_one_version_is_found(line: str, tmp_path: Path) -> None:
    """Ranges, addresses, other files and other indexes."""
    found = list(locks.findings(tree(tmp_path, f"six==1.17.0\n{line}\n")))
    assert [one for one in found if "is not NAME==VERSION" in one]


def test_a_lock_that_is_behind_is_found(tmp_path: Path) -> None:
    """A version that was raised in one file alone is told of both."""
    found = " ".join(locks.findings(tree(tmp_path, "six==1.18.0\n")))
    assert "six 1.18.0 of deps is only in requirements.txt" in found
    assert "six 1.17.0 of deps is only in lock.json" in found


def test_a_wheel_without_its_hash_is_found(tmp_path: Path) -> None:
    """A lock that locks nothing."""
    assert list(locks.findings(tree(tmp_path, entries=[ENTRY | {"sha256": ""}]))) == [
        "layers/lock.json: six: has no SHA-256 of its wheel"
    ]


def test_a_version_that_the_project_does_not_allow_is_found(tmp_path: Path) -> None:
    """And a name that the project needs and the layer lacks."""
    found = list(locks.findings(tree(tmp_path, "six==2.0\n", [ENTRY | {"version": "2.0"}])))
    assert found == ["layers/deps: six 2.0 is not <2,>=1.16 (pyproject.toml)"]
    (tmp_path / "layers/deps/requirements.txt").write_text("")
    assert "layers/deps/requirements.txt: six of pyproject.toml is missing" in list(locks.findings(tmp_path))


def test_a_name_in_two_layers_is_found(tmp_path: Path) -> None:
    """Layers never overlap."""
    tree(tmp_path)
    (tmp_path / "layers/aws").mkdir()
    (tmp_path / "layers/aws/requirements.txt").write_text("six==1.17.0\n")
    assert "layers/deps/requirements.txt: six is in layers/aws too" in list(locks.findings(tmp_path))


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "", "MIT AND GPL-2.0-or-later", "MPL-2.0", "Proprietary"])
def test_a_licence_that_is_not_on_the_list_is_found(licence: str, tmp_path: Path) -> None:
    """Copyleft, weak copyleft of a package that is not named, unknown words, none at all."""
    (found,) = licences.findings(tree(tmp_path, entries=[ENTRY | {"licence": licence}]))
    assert found.startswith("layers/deps: six: licence ")


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 OR BSD-3-Clause", "BSD-3-Clause AND (MIT OR Zlib)"])
def test_permissive_licences_pass(licence: str, tmp_path: Path) -> None:
    """Also several of them."""
    assert list(licences.findings(tree(tmp_path, entries=[ENTRY | {"licence": licence}]))) == []


def test_a_wheel_without_a_licence_text_is_found(tmp_path: Path) -> None:
    """Most licences want their text to travel along."""
    (found,) = licences.findings(tree(tmp_path, entries=[ENTRY | {"licence_files": []}]))
    assert found == "layers/deps: six: the wheel carries no licence text"


def test_a_wheels_licence_is_read_from_its_metadata(tmp_path: Path) -> None:
    """The expression where there is one, a vague name as it stands, a whole text as nothing."""
    about = tmp_path / "x-1.dist-info"
    (about / "licenses").mkdir(parents=True)
    (about / "licenses/LICENSE").write_text("text")
    told = {"License-Expression: MIT": "MIT", "License: Whatever": "Whatever", "License: a\n  b\n  c": ""}
    for lines, expression in told.items():
        (about / "METADATA").write_text(f"Name: x\nVersion: 1\n{lines}\n\nLong text\n")
        assert licences.of_wheel(about) == (expression, ["licenses/LICENSE"])


# Each in two parts, so that this file holds none of them.
SEEDS = {
    "tests/a.py": ("key = 'AKIA", "QWERTYUIOPASDFGH'"), "docs/b.md": ("-----BEGIN RSA PRIVATE", " KEY-----"),
    "events/c.json": ('{"id": "LTAI', '5tQWERTYUIOPASDFGHJK"}'), "README.md": ("https://user:", "hunter3@x.example"),
    "layers/d.py": ("password = 'correct-", "horse-9-battery'"),
    "local/e.py": ("value = '8f2c1d7be0a94c5", "3b6d7e8f9a0b1c2d3'"),
    "tests/f.txt": ("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_a_secret_in_the_tree_is_found(name: str, tmp_path: Path) -> None:
    """Cloud keys, private keys, passwords in addresses and behind names, random letters: place, no value."""
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("first line\n" + "".join(SEEDS[name]) + "\n")
    found = list(leaks.findings(tmp_path, [file]))
    assert len(found) == 1
    assert found[0].startswith(f"{name}:2: ")
    assert SEEDS[name][1].strip("'\"} ") not in found[0]


def test_a_finding_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `make check` sees is the exit code; what a person sees is each finding with its place."""
    tree(tmp_path)
    assert __main__.check(tmp_path) == 0
    (tmp_path / "README.md").write_text("".join(SEEDS["README.md"]))
    (tmp_path / "layers/lock.json").write_text(json.dumps({"wheels": [ENTRY | {"licence": "GPL-3.0-only"}]}))
    assert __main__.check(tmp_path) == 1
    told = capsys.readouterr()
    assert "2 finding(s)" in told.out
    assert "README.md:1: " in told.err
    assert "GPL-3.0-only" in told.err


def test_an_unpacked_archive_is_searched_too(tmp_path: Path) -> None:
    """Without git every file counts but those that are made."""
    for name in ("docs/a.md", ".venv/b.py", "layers/core/__pycache__/c.pyc", ".ci/run"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    found = __main__.files(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == [".ci/run", "docs/a.md"]
    assert ROOT / "Makefile" in __main__.files(ROOT)


def test_references_and_invented_values_are_no_secrets(tmp_path: Path) -> None:
    """A reference says where a secret is; an invented one is known by its hash, which names its reason."""
    file = tmp_path / "layers/a.py"
    file.parent.mkdir()
    file.write_text("password = 'secret://env/NAME'\nurl = 'https://user:hunter2@x.example'\n")
    assert list(leaks.findings(tmp_path, [file])) == []
    lines = (ROOT / "checks/invented.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#") and len(line.split(maxsplit=1)) != 2] == []
    assert hashlib.sha256(b"hunter2").hexdigest() in leaks.invented(ROOT / "checks/invented.txt")
