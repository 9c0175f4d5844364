"""The bill of materials: valid, whole, the same twice, with the licence texts in the zips that it speaks of."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from checks import locks
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from logferry_local.packaging import TARGET, Package, build, sbom

ROOT = Path(__file__).parents[2]
Built = dict[str, Package]


@pytest.fixture(scope="module")
def bill(built: Built) -> dict[str, Any]:
    """Of the zips that the tests build."""
    return sbom.document(ROOT, list(built.values()), "host")


def test_it_is_valid(bill: dict[str, Any]) -> None:
    """CycloneDX's own schema of version 1.6, strictly."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_a_broken_one_would_not_be(bill: dict[str, Any]) -> None:
    """The validator does look."""
    broken = bill | {"components": [{"type": "file"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_it_is_the_same_twice(built: Built, bill: dict[str, Any], tmp_path: Path) -> None:
    """No time, no chance: the same zips have the same bill, and others another serial number."""
    again = sbom.write(ROOT, list(built.values()), "host", tmp_path)
    assert json.loads(again.read_text()) == bill
    fewer = sbom.document(ROOT, list(built.values())[:-1], "host")
    assert fewer["serialNumber"] != bill["serialNumber"]


def test_every_locked_wheel_of_the_zips_is_listed(built: Built, bill: dict[str, Any]) -> None:
    """Name, version, package URL and licence of each, and which zip holds it."""
    listed = {part["bom-ref"]: part for part in bill["components"] if part["type"] == "library"}
    holds = {row["ref"]: row["dependsOn"] for row in bill["dependencies"]}
    wanted = [entry for entry in locks.locked(ROOT) if f"layer-{entry['layer']}" in built]
    assert len(wanted) > 10
    for entry in wanted:
        purl = f"pkg:pypi/{entry['name']}@{entry['version']}"
        assert listed[purl]["licenses"] == [{"expression": entry["licence"]}]
        assert purl in holds[f"layer-{entry['layer']}"]
    assert len(listed) == len({(entry["name"], entry["version"]) for entry in wanted})


def test_each_zip_is_listed_with_its_hash(built: Built, bill: dict[str, Any]) -> None:
    """So that a zip can be told from another of the same name."""
    hashes = {part["bom-ref"]: part["hashes"][0]["content"] for part in bill["components"] if part["type"] == "file"}
    assert hashes == {name: package.sha256 for name, package in built.items()}


def test_wheels_for_the_clouds_are_listed_with_their_hash(tmp_path: Path) -> None:
    """Built for the clouds' Python, a wheel is the locked one; the bill says by which hash."""
    built = build(ROOT, tmp_path, python=TARGET, only=["layer-codecs"])
    parts = {part["name"]: part for part in sbom.document(ROOT, built, TARGET)["components"]}
    (entry,) = (entry for entry in locks.locked(ROOT) if entry["name"] == "cramjam")
    assert parts["cramjam"]["hashes"] == [{"alg": "SHA-256", "content": entry["sha256"]}]


def test_licence_texts_travel_with_their_wheels(built: Built) -> None:
    """What a wheel brings as its licence is in the zip that holds the wheel."""
    for entry in locks.locked(ROOT):
        package = built.get(f"layer-{entry['layer']}")
        if package is None:
            continue
        with zipfile.ZipFile(package.path) as archive:
            names = [name for name in archive.namelist() if ".dist-info/" in name]
        folder = f"{str(entry['name']).replace('-', '_')}-{entry['version']}.dist-info/"
        found = [name.lower().partition(folder)[2] for name in names if folder in name.lower()]
        assert {str(file).lower() for file in entry["licence_files"]} <= set(found), entry["name"]  # type: ignore[attr-defined]  # a list in the file
