"""Redaction: what is dropped, masked and hashed, in which fields, and what a hash is worth."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import config
from logferry.errors import ConfigError, Misconfigured
from logferry.model import Value
from logferry.stages.redact import Rule, redacted
from logferry.vault import Vault

KEY = "a key of thirty-two characters.."
VAULT = Vault({"KEY": KEY, "SHORT": "fifteen letters"})
HASH = {"action": "hash", "key": "secret://env/KEY"}


def run(rules: list[dict[str, Any]], fields: dict[str, Value]) -> dict[str, Value]:
    """The fields as the rules leave them."""
    return redacted([config.load(Rule, rule) for rule in rules], VAULT)(dict(fields))


def digest(text: str) -> str:
    """The hash as its description says it is made."""
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def test_a_dropped_field_is_gone_and_the_others_keep_their_order() -> None:
    """A field that is not there is no matter."""
    left = run([{"action": "drop", "fields": ["b", "no"]}], {"a": "1", "b": "2", "c": "3"})
    assert list(left.items()) == [("a", "1"), ("c", "3")]


@pytest.mark.parametrize("value", ["secret", 5, True, ["a", {"b": "c"}], {"a": "b"}])
def test_a_masked_field_tells_nothing_of_its_value(value: Value) -> None:
    """Neither its length nor its shape."""
    assert run([{"action": "mask", "fields": ["a"]}], {"a": value}) == {"a": "***"}


def test_a_hash_is_the_same_in_every_field_and_known_to_others() -> None:
    """HMAC-SHA-256 in any language gives it: one can join."""
    left = run([HASH | {"fields": ["a", "b"]}], {"a": "203.0.113.7", "b": "203.0.113.7", "c": "203.0.113.7"})
    assert left == {"a": digest("203.0.113.7"), "b": digest("203.0.113.7"), "c": "203.0.113.7"}


def test_a_hashed_field_of_many_values_has_a_hash_of_each() -> None:
    """Lists and mappings keep their shape; numbers are hashed as they would be written."""
    left = run([HASH | {"fields": ["a"]}], {"a": ["x", {"k": 7}, None, ""]})
    assert left == {"a": [digest("x"), {"k": digest("7")}, None, ""]}


@pytest.mark.parametrize("action", [{"action": "mask"}, HASH])
@pytest.mark.parametrize("mark", ["-", "", None])
def test_a_missing_mark_stays(action: dict[str, Any], mark: Value) -> None:
    """That there was no value is no secret."""
    assert run([action | {"fields": ["a"]}], {"a": mark}) == {"a": mark}


def test_a_pattern_without_fields_looks_at_all_texts_however_deep() -> None:
    """Lists, mappings, whole numbers; not at names of fields."""
    given: dict[str, Value] = {
        "uri": "/a?ip=203.0.113.7&x=1", "deep": {"1.2.3.4": ["from 2001:db8::1", {"k": "1.2.3.4"}]}, "n": 5, "t": True,
    }  # fmt: skip
    assert run([{"action": "mask", "pattern": "ip"}], given) == {
        "uri": "/a?ip=***&x=1", "deep": {"1.2.3.4": ["from ***", {"k": "***"}]}, "n": 5, "t": True,
    }  # fmt: skip


def test_a_card_that_came_as_a_number_is_found() -> None:
    """Typed sources have such."""
    assert run([{"action": "mask", "pattern": "card"}], {"a": 4111111111111111}) == {"a": "***"}


def test_a_pattern_with_fields_leaves_the_others_alone() -> None:
    """Only those that are named."""
    left = run([{"action": "drop", "pattern": "email", "fields": ["a"]}], {"a": "to x@y.example!", "b": "x@y.example"})
    assert left == {"a": "to !", "b": "x@y.example"}


def test_a_found_address_has_the_hash_of_the_same_address_in_its_own_field() -> None:
    """By field and by pattern one hash."""
    left = run([HASH | {"fields": ["a"]}, HASH | {"pattern": "ip"}], {"a": "203.0.113.7", "b": "at 203.0.113.7"})
    assert left == {"a": digest("203.0.113.7"), "b": "at " + digest("203.0.113.7")}


def test_what_one_rule_wrote_no_other_rule_reads() -> None:
    """Patterns look at the text as it came: a hash holds digits too."""
    rules = [HASH | {"pattern": "ip"}, {"action": "mask", "pattern": "card"}, {"action": "mask", "pattern": "email"}]
    texts = [f"10.0.{number // 250}.{number % 250}" for number in range(2_000)]
    assert run(rules, {text: text for text in texts}) == {text: digest(text) for text in texts}


def test_finds_that_overlap_are_one() -> None:
    """No part of either is left."""
    rules = [{"action": "mask", "pattern": "ip"}, {"action": "mask", "pattern": "email"}]
    left = run(rules, {"a": "1.2.3.4@x.example", "b": "2001:db8::a@x.example"})
    assert left == {"a": "***", "b": "***"}


pieces = st.sampled_from(
    [
        "203.0.113.7",
        "::1",
        "2001:db8::1",
        "4111111111111111",
        "4111 1111",
        "a@b.example",
        "@",
        "\n",
        " ",
        "x",
        "7",
        ".",
        ":",
    ]
)
texts = st.lists(pieces, max_size=6).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), texts | st.integers() | st.lists(texts, max_size=2)))
def test_all_fields_at_once_are_searched_as_one_by_one(fields: dict[str, Value]) -> None:
    """Rules without fields, and the same rules with every field named."""
    rules: list[dict[str, Any]] = [{"action": "mask", "pattern": "ip"}, HASH | {"pattern": "card"},
                                   {"action": "drop", "pattern": "email"}]  # fmt: skip
    assert run(rules, fields) == run([rule | {"fields": list("abcdef")} for rule in rules], fields)


def test_what_lies_too_deep_is_masked() -> None:
    """Rather than not looked at."""
    deep: Value = "1.2.3.4"
    for _ in range(500):
        deep = [deep]
    left = run([{"action": "drop", "pattern": "ip"}], {"a": deep})
    assert "1.2.3.4" not in str(left)
    assert "***" in str(left)


def test_a_short_key_is_refused_without_being_shown() -> None:
    """One that can be guessed hides nothing."""
    with pytest.raises(Misconfigured, match=r"secret://env/SHORT: .* at least 16 characters") as caught:
        run([{"action": "hash", "fields": ["a"], "key": "secret://env/SHORT"}], {})
    assert "fifteen" not in str(caught.value)


def test_a_missing_key_is_told_when_the_plan_is_made() -> None:
    """Not at the first record."""
    with pytest.raises(Misconfigured, match="secret://env/NO"):
        run([{"action": "hash", "fields": ["a"], "key": "secret://env/NO"}], {})


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"action": "mask"}, "fields: is missing, expected fields, a pattern, or both"),
        ({"action": "hash", "fields": ["a"]}, "key: is missing, a hash needs secret://env/NAME or secret://file/PATH"),
        ({"action": "mask", "fields": ["a"], "key": "secret://env/KEY"}, "key: is of no use with action mask"),
        ({"action": "blur", "fields": ["a"]}, "action: 'blur' is not one of drop, hash, mask"),
        ({"action": "mask", "pattern": "phone"}, "pattern: 'phone' is not one of card, email, ip"),
        ({"action": "mask", "fields": []}, "fields: [] is not a list of 1-500 field names"),
        ({"action": "hash", "fields": ["a"], "key": "hunter2"}, "key: is not a reference to a secret (not shown)"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(rule: dict[str, Any], expected: str) -> None:
    """What, and what was expected."""
    with pytest.raises(ConfigError) as caught:
        config.load(Rule, rule)
    (problem,) = caught.value.problems
    assert problem.startswith(expected)
