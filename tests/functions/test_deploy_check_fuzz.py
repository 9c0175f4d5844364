"""`logferry deploy check` on whatever is given to it: findings or none, never an exception; never a secret."""

import random
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.functions.deploy_edits import FILES, ROOT, text_of

from logferry_local.deploy_files import fc3, fc3_triggers, sam, sam_events
from logferry_local.deploy_files.checking import check_texts
from logferry_local.deploy_files.deployed import Cloud
from logferry_local.deploy_files.findings import Finding

JUNK = (
    "", "\t", "&a ", "*a", "<<: *a", "!Ref ", "!x ", "- ", ": ", "{", "}", "[", "]", "'", '"', "|\n", "${vars.x}",
    "${env('A', 'b')}", "${", "null", "yes", "1e999", "0x7f", "-.inf", "2026-01-01", "1:30", "\u2028", "\ud7ff", "%",
    "@", "Fn::Sub", "Ref", "? ", "---\n", "#", "=",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(JUNK),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(("Ref", "Fn::Sub", "Fn::If", "<<")), inner, max_size=3)
    ),
    max_leaves=6,
)
LIMITS = settings(max_examples=60, deadline=None)


def checked(cloud: Cloud, text: str) -> list[Finding]:
    """What is told, each at a place in the text."""
    found = check_texts(ROOT, {cloud: (FILES[cloud], text)})
    lines = text.count("\n") + text.count("\r") + text.count("\u2028") + text.count("\u2029") + text.count("\x85") + 2
    assert all(1 <= one.line <= lines and one.column >= 1 for one in found)
    assert all(one.expected and one.fix.endswith((".", "'.", '".')) for one in found), found
    return found


def shaped(*shapes: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with the keys of these shapes and anything as their values."""
    names = sorted({field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)})
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=6)


@given(text=st.text(max_size=200) | st.lists(st.sampled_from(JUNK), max_size=12).map("".join))
@LIMITS
@pytest.mark.parametrize("cloud", ["fc", "aws"])
def test_any_text(cloud: Cloud, text: str) -> None:
    """What is no YAML is told as such."""
    checked(cloud, text)


@given(
    props=shaped(fc3.Props), trigger=shaped(fc3_triggers.TriggerDocument),
    kind=st.sampled_from([*fc3_triggers.KINDS, 1]), config=shaped(*fc3_triggers.KINDS.values()), variables=VALUES,
)  # fmt: skip
@LIMITS
def test_any_values_in_s_yaml(props: Any, trigger: Any, kind: Any, config: Any, variables: Any) -> None:  # noqa: ANN401  # any YAML
    """Every rule takes whatever stands where it looks."""
    trigger = {**trigger, "triggerType": kind, "triggerConfig": config}
    made = {"component": "fc3", "props": {**props, "triggers": [trigger]}}
    document = {"vars": variables, "resources": {"forward": made, "sweep": {"props": props}}}
    checked("fc", yaml.safe_dump(document))


@given(
    own=shaped(sam.FunctionProperties), shared=shaped(sam.FunctionGlobals),
    kind=st.sampled_from([*sam_events.KINDS, 1]),
    event=shaped(*sam_events.KINDS.values()), resource=shaped(*sam_events.RESOURCES.values()), parameters=VALUES,
)  # fmt: skip
@LIMITS
def test_any_values_in_template_yaml(  # what a template is made of
    own: Any, shared: Any, kind: Any, event: Any, resource: Any, parameters: Any  # noqa: ANN401  # any YAML
) -> None:  # fmt: skip
    """Every rule takes whatever stands where it looks."""
    events = {"One": {"Type": kind, "Properties": event}}
    rings = {name: {"Type": name, "Properties": {**resource, "FunctionName": {"Ref": "ForwardFunction"}}} for name in
             sam_events.RESOURCES}  # fmt: skip
    document = {
        "Globals": {"Function": shared}, "Parameters": parameters,
        "Resources": {"ForwardFunction": {"Type": sam.FUNCTION, "Properties": {**own, "Events": events}}, **rings},
    }  # fmt: skip
    checked("aws", yaml.safe_dump(document))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_real_file_with_junk_in_a_line(seed: int) -> None:
    """A slip of the hand anywhere ends in findings or in a file that is still right."""
    chance = random.Random(seed)  # noqa: S311  # a test's own chance
    lines = text_of("fc").splitlines(keepends=True)
    at = chance.randrange(len(lines))
    where = chance.randrange(len(lines[at]))
    slip = chance.choice((
        lines[at][:where] + chance.choice(JUNK) + lines[at][where:], "", lines[at] * 2, f" {lines[at]}", lines[at][1:],
        lines[at][:where] + "\n",
    ))  # fmt: skip
    checked("fc", "".join([*lines[:at], slip, *lines[at + 1 :]]))


def test_aliases_that_grow_are_stopped() -> None:
    """A few lines that stand for millions of values, or for themselves, are told in no time."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    for text in (bomb, "a: &a [*a]\n", "a: &a {<<: *a}\n", "[" * 5000, "{a: " * 3000):
        (found,) = check_texts(ROOT, {"fc": ("s.yaml", text)})[:1]
        assert "value" in found.value or "nested" in found.value, found


SECRET, NUMBER = "hunter2hunter2", "4711471147114711"  # invented ones
PLACES = (
    "props: {environmentVariables: {SPLUNK_TOKEN: %s}}", "props: {environmentVariables: {MY_PASSWORD: [%s]}}",
    "props: {environmentVariables: {ANY: %s}}", "props: {environmentVariables: {LOGFERRY_AUTH_KEYS: %s}}",
    "props: {environmentVariables: 'A_KEY=%s'}",
    "props: {accessKeySecret: %s}", "props: {password: {x: %s}}",
    "props: {environmentVariables: {A_KEY: \"${env('A', '%s')}\"}}",
    "props: {environmentVariables: {A_KEY: '${vars.hidden}'}}", "props: {environmentVariables: {A_KEY: *%s }}",
    "props: {environmentVariables: {A_KEY: !%s x}}", "props: {environmentVariables: {A_KEY: secret://env/x, B: '%s}}",
)  # fmt: skip


@pytest.mark.parametrize("secret", [SECRET, NUMBER])
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_in_no_finding(place: str, secret: str) -> None:
    """Wherever people put one: as a value, a default, a variable, a number, behind a sign of YAML's own."""
    text = f"vars:\n  hidden: {secret}\nresources:\n  forward:\n    {place.replace('%s', secret)}\n"
    found = check_texts(ROOT, {"fc": ("s.yaml", text)})
    assert found
    assert [one.text() for one in found if secret in one.text()] == []
