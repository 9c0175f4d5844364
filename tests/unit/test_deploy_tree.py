"""YAML as a tree with places: anchors, merges, variables; what fits a typed model; who imports whom."""

import ast
from pathlib import Path

import pytest

from logferry.config import Config
from logferry_local.deploy_files import expressions, fit, imports, reading, references, variables, yaml_mistakes
from logferry_local.deploy_files.deployed import folder, referred, substituted
from logferry_local.deploy_files.findings import HIDDEN, Notes, is_reference, is_secret_name, shown
from logferry_local.deploy_files.nodes import Node, Unknown, mapping, text_of


def read(text: str, *, intrinsics: bool = False) -> tuple[Node, Notes]:
    """The tree and its mistakes."""
    notes = Notes("file")
    root = reading.tree(text, notes, intrinsics=intrinsics)
    assert root is not None, [one.text() for one in notes]
    return root, notes


def told(notes: Notes) -> list[tuple[int, int, str, str]]:
    """Line, column, key and value of each mistake."""
    return sorted((one.line, one.column, one.key, one.value) for one in notes)


def test_every_value_knows_its_place_and_path() -> None:
    """Lines and columns count from 1."""
    root, _ = read("a:\n  - b: 1\n    c: x\n")
    rows = mapping(root)["a"].value
    assert isinstance(rows, list)
    found = mapping(rows[0])["c"]
    assert (found.path, found.line, found.column, found.value) == ("a[0].c", 3, 8, "x")


def test_what_comes_by_an_anchor_keeps_its_place() -> None:
    """A mistake in it is told where it is written, once."""
    root, _ = read("a: &x {k: 1}\nb: *x\n")
    found = root.get("b", "k")
    assert found is not None
    assert (found.path, found.line) == ("a.k", 1)


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("a: &a {k: 1}\nb: {<<: *a, k: 2}\n", 2),
        ("a: &a {k: 1}\nb: {k: 2, <<: *a}\n", 2),
        ("a: &a {k: 1}\nc: &c {k: 3}\nb: {<<: [*a, *c]}\n", 1),
    ],
)
def test_merges_follow_yaml(text: str, merged: int) -> None:
    """An own key wins, then the first of several merged ones."""
    root, notes = read(text)
    found = root.get("b", "k")
    assert found is not None
    assert (found.value, told(notes)) == (merged, [])


def test_a_key_that_is_there_twice_is_told_at_the_second() -> None:
    """The first one counts, as nobody can know which was meant."""
    root, notes = read("a: 1\nb: 2\na: 3\n")
    assert told(notes) == [(3, 1, "a", "there twice")]
    assert mapping(root)["a"].value == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("x", "x"), ("5", 5), ("0.5", 0.5), ("true", True), ("~", None), ("2026-01-01", "2026-01-01"), ('"5"', "5")],
)
def test_scalars_are_what_yaml_says(text: str, value: object) -> None:
    """But a date, which is text here."""
    root, _ = read(f"a: {text}")
    assert mapping(root)["a"].value == value


def test_intrinsic_functions_in_both_spellings() -> None:
    """`!Ref X`, `Ref: X`, and their names: all the same to the rules."""
    root, notes = read(
        "a: !Ref X\nb: {Ref: X}\nc: !GetAtt X.Arn\nd: {'Fn::Sub': '${X}-y'}\ne: !Sub ['${v}', {v: 1}]\n",
        intrinsics=True,
    )
    nodes = mapping(root)
    assert [referred(nodes[key]) for key in "abcd"] == ["X", "X", "X", None]
    assert [substituted(nodes[key]) for key in "de"] == ["${X}-y", "${v}"]
    assert told(notes) == []


def test_a_function_of_cloudformation_is_a_tag_elsewhere() -> None:
    """Serverless Devs knows none."""
    _, notes = read("a: !Ref X\n")
    assert told(notes) == [(1, 4, "a", "an unknown tag")]


def unfolded(text: str) -> tuple[Node, Notes]:
    """With its variables."""
    root, notes = read(text)
    return variables.unfold(root, text, notes), notes


def test_a_variable_brings_its_own_place() -> None:
    """A wrong value is told where it is written."""
    root, notes = unfolded("vars:\n  n: 5\na: ${vars.n}\nb: x${vars.n}y\n")
    nodes = mapping(root)
    assert (nodes["a"].value, nodes["a"].path, nodes["a"].line) == (5, "vars.n", 2)
    assert (nodes["b"].value, nodes["b"].path) == ("x5y", "b")
    assert told(notes) == []


def test_what_the_shell_gives_is_unknown() -> None:
    """Whole or in part."""
    root, _ = unfolded("a: ${env('X')}\nb: x${env('X', 'y')}\nc: ${config('AccountID')}\n")
    nodes = mapping(root)
    assert isinstance(nodes["a"].value, Unknown)
    assert isinstance(nodes["b"].value, Unknown)
    assert text_of(nodes["c"]) == variables.ACCOUNT


def test_variables_that_lead_nowhere() -> None:
    """Unknown ones, circles, and ones that nothing uses; a comment that names one is a use."""
    _, notes = unfolded("vars:\n  a: ${vars.b}\n  b: ${vars.a}\n  c: 1\n  d: 2\n# ${vars.d}\nx: ${vars.e}${vars.a}\n")
    assert [(line, key) for line, _, key, _ in told(notes)] == [(2, "vars.a"), (3, "vars.b"), (4, "vars.c"), (7, "x")]


class Inner(Config, frozen=True, kw_only=True):
    """A shape."""

    size: int
    name: str = ""


class Outer(Config, frozen=True, kw_only=True):
    """A shape of shapes."""

    many: list[Inner]
    maybe: Inner | None = None
    either: bool | str = False


def test_every_misfit_is_told_at_once() -> None:
    """In lists and mappings, missing, unknown and of another type."""
    root, notes = read("many:\n- siz: 1\n- size: x\n  name: 3\nmaybe: [1]\neither: 4\n")
    fit.fit(root, Outer, notes)
    assert [(one.key, one.fix) for one in sorted(notes)] == [
        ("many[0].siz", "Write size."),
        ("many[1].size", "Write a number, without quotes."),
        ("many[1].name", 'Put it in quotes: "3".'),
        ("maybe", "Write a mapping of size, name."),
        ("either", 'Put it in quotes: "4".'),
    ]


def test_what_is_not_known_yet_fits() -> None:
    """A function's result may be anything."""
    root, notes = read("many: !Ref A\nmaybe: {size: !Ref B}\n", intrinsics=True)
    fit.fit(root, Outer, notes)
    assert told(notes) == []


@pytest.mark.parametrize(
    "name", ["SPLUNK_TOKEN", "SLS_AK_ID", "privateKey", "MY_PASSWORD", "LOGFERRY_AUTH_KEYS", "API_KEY"]
)
def test_names_of_secrets(name: str) -> None:
    """What people call keys and tokens."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["LOGFERRY_STATE", "SecretName", "MONKEY", "key_prefix", "TOKENS_PER_SECOND", ""])
def test_names_of_no_secrets(name: str) -> None:
    """What only sounds like one may be shown."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secret://env/A", True), ("secret://aws/ssm/a,secret://kms/b#K", True), ("{{resolve:ssm:x}}", True),
        ("${vars.x}", True), ("${env('A')}", True), ("${env('A', '')}", True),
        ("${env('A', 'hunter2')}", False), ("secret", False), ("xsecret://env/A", False),
        ("secret://env/A hunter2", False),
    ],
)  # fmt: skip
def test_references_to_secrets(text: str, said: bool) -> None:  # noqa: FBT001  # a column of the table
    """Only what holds nothing else is one."""
    assert is_reference(text) is said


def test_a_secret_is_not_shown() -> None:
    """By its name or by its form; a password in a URL is left out."""
    root, _ = read("token: x\nnote: AKIAABCDEFGHIJKLMNOP\nurl: https://u:p@host/\nplain: y\n")
    nodes = mapping(root)
    assert [shown(nodes[key]) for key in ("token", "note", "url", "plain")] == [
        HIDDEN,
        HIDDEN,
        "'https://***@host/'",
        "'y'",
    ]


def test_the_anchor_that_was_probably_meant() -> None:
    """One that is near is shown, any other might be a secret that starts with a star."""
    import yaml

    for text, value in (("a: &name 1\nb: *nam\n", "*nam"), ("b: *hunter2\n", HIDDEN)):
        notes = Notes("file")
        with pytest.raises(yaml.MarkedYAMLError) as error:
            yaml.compose(text, yaml.SafeLoader)
        yaml_mistakes.tell(error.value, text, notes)
        assert [one.value for one in notes] == [value]


def test_references_of_a_template() -> None:
    """Parameters, resources, pseudo parameters and names of the function's own are known; others are told."""
    root, notes = read(
        "Parameters: {P: {Type: String}}\nConditions: {C: !Equals [!Ref P, x]}\n"
        "Resources:\n  R: {Type: T, Condition: D, Properties: {a: !Ref R, b: !GetAtt Q.Arn, "
        "c: !Sub '${AWS::Region}${S}', d: !Sub ['${v}', {v: 1}], e: !If [E, 1, 2]}}\n",
        intrinsics=True,
    )
    references.check(root, notes)
    found = [one.key.removeprefix("Resources.R.") for one in sorted(notes)]
    assert sorted(found) == ["Condition", "Properties.b", "Properties.c", "Properties.e[0]"]


def test_expressions_are_taken_apart() -> None:
    """One place knows what may stand between ${ and }."""
    assert expressions.meaning("vars.a") == ("vars", "a", "")
    assert expressions.meaning(" env('A', 'b') ") == ("env", "A", "b")
    assert expressions.meaning("config('AccountID')") == ("account", "", "")
    assert expressions.meaning("path('.')").kind == ""


def test_a_logical_id_names_its_folder() -> None:
    """As the functions are called."""
    assert [folder(name) for name in ("ForwardFunction", "ProveOwnershipFunction", "X")] == [
        "forward",
        "prove_ownership",
        "x",
    ]


def test_imports_at_once_and_later(tmp_path: Path) -> None:
    """What a function imports when it runs is told apart; what only a type checker sees is none."""
    (tmp_path / "logferry").mkdir()
    (tmp_path / "logferry/__init__.py").write_text("")
    (tmp_path / "logferry/a.py").write_text(
        "import json\nfrom typing import TYPE_CHECKING\nfrom logferry import b\nif TYPE_CHECKING:\n    import yaml\n"
    )
    (tmp_path / "logferry/b.py").write_text("def f():\n    import boto3.session\n")
    library = imports.imports_of(tmp_path)
    start = library.imported(ast.parse("from logferry import a"), lazy=False)
    assert library.reached(start, lazy=False) == {"logferry", "logferry.a", "logferry.b", "json", "typing"}
    assert library.reached(start, lazy=True) - library.reached(start, lazy=False) == {"boto3"}
