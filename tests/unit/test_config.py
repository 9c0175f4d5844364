"""Typed documents: every mistake with its path, what stood there, and what was expected; never a secret."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry import config
from logferry.config import Config, Duration, Port, SecretRef
from logferry.errors import ConfigError


class Inner(Config, frozen=True):
    """A mapping within a mapping."""

    depth: int
    proof: SecretRef | None = None


class Shape(Config, frozen=True):
    """One of everything."""

    port: Port
    token: SecretRef
    wait: Duration = "5m"
    mode: Literal["fast", "slow"] = "fast"
    names: Annotated[list[str], msgspec.Meta(max_length=2)] = []  # noqa: RUF012  # msgspec copies it
    inner: Inner | None = None

    ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    many: list[Inner] = []  # noqa: RUF012  # msgspec copies it
    named: dict[str, int] = {}  # noqa: RUF012  # msgspec copies it
    either: int | list[str] | Inner | None = None
    pair: tuple[int, str] = (1, "")
    host: Annotated[str, msgspec.Meta(pattern="^[^/]+$")] = "h"
    anything: Any = None

    def problems(self) -> list[str]:
        """Two fields that must differ."""
        return ["mode: 'slow' needs more than 1s"] if (self.mode, self.wait) == ("slow", "1s") else []


GOOD = {"port": 514, "token": "secret://env/T"}


def problems(**changes: object) -> list[str]:
    """What is wrong with the good document after these changes."""
    with pytest.raises(ConfigError) as caught:
        config.load(Shape, GOOD | changes, path="a.b")
    return caught.value.problems


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"port": 0}, ["a.b.port: 0 is not between 1 and 65535"]),
        ({"port": "514"}, ["a.b.port: '514' is not a whole number between 1 and 65535"]),
        ({"wait": "5"}, ["a.b.wait: '5' is not a number and ms, s, m, h or d, such as 5m"]),
        ({"wait": "5m\n"}, ["a.b.wait: '5m\\n' is not a number and ms, s, m, h or d, such as 5m"]),
        ({"mode": "medium"}, ["a.b.mode: 'medium' is not one of fast, slow"]),
        ({"names": ["x", 5]}, ["a.b.names[1]: 5 is not text"]),
        ({"names": ["x"] * 3}, ["a.b.names: ['x', 'x', 'x'] is not a list of at most 2 items, each text"]),
        ({"inner": {"deph": 1}}, ["a.b.inner.deph: unknown key, did you mean depth?; known: depth, proof",
                                  "a.b.inner.depth: is missing, a whole number is required"]),
        ({"inner": 5}, ["a.b.inner: a whole number is not a mapping of depth, proof"]),
        ({"inner": "hunter2"}, ["a.b.inner: text is not a mapping of depth, proof"]),
        ({"ratio": 0}, ["a.b.ratio: 0 is not more than 0"]),
        ({"ratio": "x"}, ["a.b.ratio: 'x' is not a number more than 0"]),
        ({"ratio": float("nan")}, ["a.b.ratio: nan is not more than 0"]),
        ({"ratio": float("inf")}, ["a.b.ratio: inf is not more than 0"]),
        ({"port": 1.5}, ["a.b.port: 1.5 is not a whole number between 1 and 65535"]),
        ({"port": True}, ["a.b.port: True is not a whole number between 1 and 65535"]),
        ({"port": None}, ["a.b.port: None is not a whole number between 1 and 65535"]),
        ({"many": [{"depth": 1}, {"deep": 2}, 3]}, [
            "a.b.many[1].deep: unknown key, did you mean depth?; known: depth, proof",
            "a.b.many[1].depth: is missing, a whole number is required",
            "a.b.many[2]: a whole number is not a mapping of depth, proof",
        ]),
        ({"many": {}}, ["a.b.many: {} is not a list, each a mapping of depth, proof"]),
        ({"named": {"x": 1, "y": "2", "z": []}}, ["a.b.named.y: '2' is not a whole number",
                                                  "a.b.named.z: [] is not a whole number"]),
        ({"named": {1: 1}}, ["a.b.named: {1: 1} is not a mapping"]),
        ({"either": {"depth": "1"}}, ["a.b.either.depth: '1' is not a whole number"]),
        ({"either": [1]}, ["a.b.either[0]: 1 is not text"]),
        ({"either": "x"}, ["a.b.either: 'x' is not a whole number or a list, each text or a mapping of depth, proof"]),
        ({"pair": [1, 2]}, ["a.b.pair[1]: 2 is not text"]),
        ({"pair": [1, "", 2]}, ["a.b.pair: [1, '', 2] is not a list of 2 items"]),
        ({"host": "h/"}, ["a.b.host: 'h/' is not text that matches ^[^/]+$"]),
        ({"host": "h\n"}, ["a.b.host: 'h\\n' is not text that matches ^[^/]+$"]),
        ({"host": "http://me:hunter2@h/"}, ["a.b.host: 'http://***@h/' is not text that matches ^[^/]+$"]),
        ({"mode": "x" * 100}, ["a.b.mode: '" + "x" * 56 + "... is not one of fast, slow"]),
        ({"wait": "9999999999s"}, ["a.b.wait: '9999999999s' is not a number and ms, s, m, h or d, such as 5m"]),
        ({"mode": "slow", "wait": "1s"}, ["a.b.mode: 'slow' needs more than 1s"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_path_value_and_expectation(changes: dict[str, object], expected: list[str]) -> None:
    """One sentence a mistake, in our words."""
    assert problems(**changes) == expected


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody has to correct a document five times."""
    assert [text.partition(":")[0] for text in problems(port=0, mode="x", wait=5, more=1)] == [
        "a.b.more", "a.b.port", "a.b.wait", "a.b.mode",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "hunter2"}, {"token": ["hunter2"]}, {"token": {"x": "hunter2"}}, {"token": "secret://hunter2"},
        {"inner": {"depth": 1, "proof": "hunter2"}}, {"many": [{"depth": 1, "proof": "hunter2"}]}, {"token": "secret://env/hunter2\n"},
    ],
)  # fmt: skip
def test_a_literal_secret_is_refused_and_not_shown(changes: dict[str, object]) -> None:
    """The message says how to do it right, and does not repeat the value."""
    (text,) = problems(**changes)
    assert "hunter2" not in text
    assert "write secret://env/NAME, secret://file/PATH, secret://aws/… or secret://kms/NAME" in text


def test_a_good_document_becomes_its_shape() -> None:
    """Defaults are filled in."""
    assert config.load(Shape, GOOD | {"inner": {"depth": 2}}) == Shape(
        port=514, token="secret://env/T", inner=Inner(depth=2)
    )


@pytest.mark.parametrize(("text", "expected"), [("250ms", 0.25), ("90s", 90), ("1.5h", 5_400), ("2d", 172_800)])
def test_durations_are_seconds(text: str, expected: float) -> None:
    """Every unit."""
    assert config.seconds(text) == expected


def test_a_null_where_none_is_allowed_is_taken() -> None:
    """`key:` without a value is null, and that is the default where one may be left out."""
    assert config.load(Shape, GOOD | {"inner": None, "either": None}).inner is None


def test_items_of_lists_and_mappings_are_their_shapes() -> None:
    """What was checked item by item is built item by item."""
    made = config.load(Shape, GOOD | {"many": [{"depth": 1}], "either": {"depth": 2}, "pair": [3, "x"]})
    assert made.many == [Inner(depth=1)]
    assert made.either == Inner(depth=2)
    assert made.pair == (3, "x")


def test_mistakes_of_a_long_list_are_not_told_without_end() -> None:
    """Twenty of a kind are enough."""
    assert len(problems(many=[0] * 1_000)) == 21
    assert len(problems(**{f"key{number}": 0 for number in range(1_000)})) == 21


def test_a_strange_key_is_shown_safely() -> None:
    """A key with a line break or of great length does not break the message."""
    texts = problems(**{"a\nb": 1, "x" * 1_000: 1})
    assert texts[0].startswith("a.b.'a\\nb': unknown key")
    assert len(texts[1]) < 300


def test_a_missing_secret_says_how_to_refer_to_one() -> None:
    """What is required reads as an instruction."""
    with pytest.raises(ConfigError) as caught:
        config.load(Shape, {"port": 1})
    forms = "secret://env/NAME, secret://file/PATH, secret://aws/… or secret://kms/NAME"
    assert caught.value.problems == [f"token: is missing, {forms} is required"]


def test_deep_nesting_is_a_mistake_not_a_crash() -> None:
    """A document may be deeper than any stack, or hold itself."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    circle: dict[str, object] = {}
    circle["depth"] = circle
    for data in (deep, circle, {"port": deep}, {"inner": circle}, {"many": deep}, {"either": deep}):
        with pytest.raises(ConfigError):
            config.load(Shape, data)
    while deep:  # taken apart from outside: freeing it at once would need the stack too
        deep = deep[0]  # type: ignore[assignment]  # lists all the way down


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(dt.date(2026, 1, 1)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
    max_leaves=20,
)
NEARLY = st.fixed_dictionaries({}, optional=dict.fromkeys(Shape.__struct_fields__, PLAIN))


@given(PLAIN | NEARLY | NEARLY.map(lambda data: GOOD | data))
def test_any_data_is_a_document_or_a_config_error(data: object) -> None:
    """Whatever was written: a checked document, or mistakes with paths; never another error."""
    problems = ["path: what"]
    try:
        assert isinstance(config.load(Shape, data), Shape)
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(": " in problem for problem in problems)
