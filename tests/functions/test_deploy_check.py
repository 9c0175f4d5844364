"""`logferry deploy check`: the real files are clean; each of many mistakes is told where it is, with what to write."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from tests.functions import deploy_edits
from tests.functions.deploy_edits import FILES, ROOT, Edited, text_of

from logferry_local.cli import main
from logferry_local.deploy_files.checking import check_texts
from logferry_local.deploy_files.code import code_of
from logferry_local.deploy_files.deployed import Cloud
from logferry_local.deploy_files.findings import Finding

CLOUDS: tuple[Cloud, ...] = ("fc", "aws")
SEEDS: dict[str, tuple[Cloud, dict[str, Any]]] = {
    f"{cloud}: {seed['what']}": (cloud, seed)
    for cloud in CLOUDS
    for seed in yaml.safe_load((ROOT / f"tests/functions/data/deploy_mistakes_{cloud}.yaml").read_text())
}
DOCUMENTED = re.compile(r"```text\n(?P<text>s\.yaml.*?)```", re.DOTALL)


def findings(**texts: str) -> list[Finding]:
    """What is wrong with these texts, by cloud."""
    given: dict[Cloud, tuple[str, str]] = {cloud: (FILES[cloud], texts[cloud]) for cloud in CLOUDS if cloud in texts}
    return check_texts(ROOT, given)


def edited(cloud: Cloud, seed: dict[str, Any]) -> Edited:
    """The file with the seed's mistake."""
    words = [str(seed["write"]).replace("{4096}", "x" * 4096)] if "write" in seed else []
    edit: Callable[..., Edited] = getattr(deploy_edits, seed["do"])
    return edit(cloud, seed["at"], *words)


def test_the_real_files_have_no_mistakes() -> None:
    """What is deployed is what was checked."""
    assert [one.text() for one in findings(fc=text_of("fc"), aws=text_of("aws"))] == []


def test_there_are_enough_seeds() -> None:
    """A list that is read as empty would prove nothing."""
    assert len(SEEDS) > 130


@pytest.mark.parametrize("name", SEEDS)
def test_a_mistake_is_told_where_it_is(name: str) -> None:
    """File, line, key, value and fix, as somebody needs them who is going to mend it; never a secret."""
    cloud, seed = SEEDS[name]
    made, where = edited(cloud, seed), seed.get("line", 0)
    is_about_both = "another" in name or where == "other file"
    other: Literal["fc", "aws"] = "aws" if cloud == "fc" else "fc"
    found = findings(**{cloud: made.text}, **({other: text_of(other)} if is_about_both else {}))
    told = [one for one in found if one.key.endswith(seed["key"]) and one.fix.startswith(seed["fix"])]
    assert told, [one.text() for one in found]
    assert told[0].file == FILES[other if where == "other file" else cloud]
    assert "value" not in seed or told[0].value == seed["value"]
    assert isinstance(where, str) or told[0].line == made.line + where
    assert "hunter2" not in "".join(one.text() for one in found)


@pytest.mark.parametrize("name", sorted(name for name in code_of(ROOT).names if name.startswith("LOGFERRY_")))
def test_every_setting_of_the_library_is_known_and_judged(name: str) -> None:
    """Nonsense as its value is told, but where any text will do; a new setting cannot be forgotten."""
    if re.fullmatch(r"LOGFERRY_(AUTH_PATH|AUTH_URI_HEADER|KMS_ENDPOINT|KMS_REGION)", name):
        return
    path = "resources.verify_request.props.environmentVariables"
    text = text_of("fc")
    line = f'{name}: "%%"'
    for one in ("forward", "verify_request"):
        text = re.sub(rf"(?m)^( +){name}: .*$", rf"\g<1>{line}", text)
        if name not in text:
            text = deploy_edits.add("fc", path.replace("verify_request", one), line).text
    assert any(f"{name}" in found.key and "no code" not in found.fix for found in findings(fc=text)), path


def test_what_the_other_clouds_key_is_called_is_what_the_library_reads() -> None:
    """The rules that name keys by themselves name existing ones."""
    from logferry_local.deploy_files.rules_code import PLACES
    from logferry_local.deploy_files.rules_environment import FOREIGN_KEYS

    assert {name for names in FOREIGN_KEYS.values() for name in names} | PLACES.keys() <= code_of(ROOT).names


def test_every_import_of_the_library_comes_from_a_layer_or_a_platform() -> None:
    """A library that is in no layer would be missing in the cloud, and the check could not tell."""
    import sys

    code = code_of(ROOT)
    modules = {name for app in code.apps.values() for name in app.later} | code.kind("state", "dynamodb")
    roots = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert sorted(roots - code.layers.keys()) == []


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The command's exit code and output."""
    with pytest.raises(SystemExit) as ended:
        main(["deploy", "check", *words])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


def test_the_command_is_content_with_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    """Both files of the checkout: exit code 0, nothing on standard output."""
    assert run(capsys) == (0, "", "s.yaml, template.yaml: no mistakes\n")


def test_the_example_of_the_page_is_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/deploy-check.md shows a mistake as it is told; exit code 1. The line may move with the file."""
    page = DOCUMENTED.search((ROOT / "docs/deploy-check.md").read_text())
    assert page
    path = tmp_path / "s.yaml"
    path.write_text(deploy_edits.put("fc", "resources.forward.props.memorySize", "200").text)
    code, out, _ = run(capsys, "--only", "fc", "--fc", str(path))
    lines = re.compile(r":\d+:")
    assert (code, lines.sub(":", out)) == (1, lines.sub(":", page["text"]).replace("s.yaml", str(path)))


def test_json_is_one_list_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every finding with all its parts, sorted by file and line."""
    path = tmp_path / "template.yaml"
    path.write_text(text_of("aws").replace("Timeout: 600", "Timeout: 901").replace("Runtime: python", "Runtim: python"))
    code, out, _ = run(capsys, "--aws", str(path), "--json")
    rows = json.loads(out)
    assert code == 1
    assert {frozenset(row) for row in rows} == {
        frozenset(("file", "line", "column", "key", "value", "expected", "fix"))
    }
    assert [(row["file"], row["line"]) for row in rows] == sorted((row["file"], row["line"]) for row in rows)


@pytest.mark.parametrize("body", [None, b"\xff\xfe\x00", b"a" * (1 << 20) + b"b"])
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, body: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not there, not text, too large: exit code 2, and the file's name."""
    path = tmp_path / "s.yaml"
    if body is not None:
        path.write_bytes(body)
    code, out, err = run(capsys, "--fc", str(path))
    assert (code, out) == (2, "")
    assert str(path) in err


def test_one_mistake_in_an_anchor_is_told_once() -> None:
    """What six functions share is one line to mend."""
    broken = deploy_edits.put("fc", "resources.forward.props.environmentVariables.LOGFERRY_LOG_LEVEL", "verbose")
    assert [(one.line, one.value) for one in findings(fc=broken.text)] == [(broken.line, "'verbose'")]
