"""What the functions fetch before a cold start, what their zips carry, and the same bytes from another machine."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.functions.conftest import Target

from logferry_local import packaging
from logferry_local.packaging import Package, elf, sbom, sizes, slim

ROOT = Path(__file__).parents[2]
Built = dict[str, Package]


@pytest.mark.parametrize("function", sorted(sizes.BUDGETS))
def test_a_function_is_within_its_budget(built: Built, function: str) -> None:
    """Its zip and its layers, without the clients of state tables, on both clouds."""
    rows = [row for row in sizes.loads(ROOT, list(built.values())) if row.function == function]
    assert {row.cloud for row in rows} == {"aws", "fc"}
    assert sizes.over(rows) == []
    assert all(row.packed > 100_000 for row in rows)


def test_more_than_the_budget_is_told() -> None:
    """The words name function, cloud and both figures."""
    row = sizes.Load("verify_request", "aws", (), 1_200_000, 3_000_000)
    assert sizes.over([row]) == ["verify_request on aws: 1.20 MB zipped is more than 1 MB"]


def test_every_function_has_a_row_for_each_cloud(built: Built) -> None:
    """Both deploy files are read: none of their functions is forgotten."""
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
    rows = sizes.loads(ROOT, list(built.values()))
    assert sorted((row.function, row.cloud) for row in rows) == sorted((n, c) for n in names for c in ("aws", "fc"))


def test_a_self_contained_function_has_no_layers(built: Built) -> None:
    """What is in its zip is not fetched a second time."""
    for row in sizes.loads(ROOT, list(built.values())):
        assert (row.layers == ()) == (row.function in slim.SELF_CONTAINED), row


def test_what_it_carries_is_in_the_bill_of_materials(built: Built) -> None:
    """Its wheels are told like a layer's, since their metadata is with them."""
    bill = sbom.document(ROOT, list(built.values()), packaging.TARGET)
    (carried,) = [found["dependsOn"] for found in bill["dependencies"] if found["ref"] == "function-verify_request"]
    assert {purl.partition("@")[0] for purl in carried} >= {"pkg:pypi/msgspec", "pkg:pypi/certifi"}


def test_what_a_function_imports_is_found(tmp_path: Path) -> None:
    """Plain, relative, inside a function, by name in a string; a wheel with what it requires and its metadata."""
    sources = {
        "app.py": "from logferry import one\n",
        "core/logferry/__init__.py": "",
        "core/logferry/one.py": "def later():\n    from logferry.room import two\nROOM = 'logferry.plugins'\n",
        "core/logferry/room/__init__.py": "",
        "core/logferry/room/two.py": "from . import three\nimport wheel_a.part\n",
        "core/logferry/room/three.py": "import json\n",
        "core/logferry/room/unused.py": "",
        "core/logferry/plugins/__init__.py": "",
        "core/logferry/plugins/env.py": "",
        "deps/wheel_a/part.py": "",
        "deps/wheel_a-1.0.dist-info/METADATA": "Requires-Dist: wheel-b>=1\nRequires-Dist: wheel-c; extra == 'x'\n",
        "deps/wheel_a-1.0.dist-info/licenses/LICENSE": "free",
        "deps/wheel_b/__init__.py": "",
        "deps/wheel_c/__init__.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = slim.files(tmp_path / "app.py", tmp_path / "core", tmp_path / "deps")
    unwanted = {"app.py", "core/logferry/room/unused.py", "deps/wheel_c/__init__.py"}
    wanted = {name.partition("/")[2] for name in set(sources) - unwanted}
    assert set(found) == wanted


def test_only_what_is_loaded_stays_of_a_library() -> None:
    """Everything up to the end of the last segment, no section; what is no such library stays as it is."""
    header = bytearray(64 + 56)
    header[:6] = b"\x7fELF\x02\x01"
    header[32:40] = (64).to_bytes(8, "little")  # program headers begin here
    header[40:48] = (500).to_bytes(8, "little")  # sections
    header[54:60] = b"".join(number.to_bytes(2, "little") for number in (56, 1, 64))
    header[60:64] = b"\x05\x00\x04\x00"
    header[64 + 8 : 64 + 16] = (128).to_bytes(8, "little")  # the segment's offset
    header[64 + 32 : 64 + 40] = (32).to_bytes(8, "little")  # and its length in the file
    kept = elf.loadable(bytes(header) + b"\x00" * 8 + b"x" * 32 + b"debug")
    assert (len(kept), kept[128:]) == (160, b"x" * 32)
    assert (kept[40:48], kept[60:64]) == (b"\x00" * 8, b"\x00" * 4)
    assert elf.loadable(b"#!/bin/sh\n") == b"#!/bin/sh\n"


@pytest.mark.service("python3.12")
def test_another_python_and_folder_give_the_same_bytes(target: Target, built: Built, tmp_path: Path) -> None:
    """The library, the wheels and a function, built from a copy elsewhere by another version of Python and of pip."""
    for name in ("functions", "layers/core", "layers/deps", "local/logferry_local/packaging"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "local/logferry_local/__init__.py").touch()
    only = ["layer-core", "layer-deps", "function-forward", "function-verify_request"]
    program = (
        "import json, sys, pathlib; root = pathlib.Path.cwd()\n"
        "sys.path[:0] = ['local', 'layers/core/python']; from logferry_local import packaging\n"
        f"made = packaging.build(root, root / 'dist', only={only!r})\n"
        "print(json.dumps({one.name: one.sha256 for one in made}))"
    )
    environ = os.environ | {"LOGFERRY_PYTHON312_ROOT": str(Path(target.python).parents[1])}
    command = [target.python, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: built[name].sha256 for name in only}
