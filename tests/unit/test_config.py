"""Typed documents: every mistake with its path, what stood there, and what was expected; never a secret."""

from typing import Annotated, Literal

import msgspec
import pytest

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
        ({"port": 0}, ["a.b.port: 0 is not 1-65535"]),
        ({"port": "514"}, ["a.b.port: '514' is not 1-65535"]),
        ({"wait": "5"}, ["a.b.wait: '5' is not a number and ms, s, m, h or d, such as 5m"]),
        ({"wait": "5m\n"}, ["a.b.wait: '5m\\n' is not a number and ms, s, m, h or d, such as 5m"]),
        ({"mode": "medium"}, ["a.b.mode: 'medium' is not one of fast, slow"]),
        ({"names": ["x", 5]}, ["a.b.names[1]: 5 does not fit in a list (Expected `str`, got `int`)"]),
        ({"names": ["x"] * 3}, ["a.b.names: ['x', 'x', 'x'] is not a list (Expected `array` of length <= 2)"]),
        ({"inner": {"deph": 1}}, ["a.b.inner.deph: unknown key, did you mean depth?; known: depth, proof",
                                  "a.b.inner.depth: is missing, a whole number is required"]),
        ({"inner": 5}, ["a.b.inner: 5 is not a mapping of depth, proof"]),
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
        {"inner": {"depth": 1, "proof": "hunter2"}}, {"token": "secret://env/hunter2\n"},
    ],
)  # fmt: skip
def test_a_literal_secret_is_refused_and_not_shown(changes: dict[str, object]) -> None:
    """The message says how to do it right, and does not repeat the value."""
    (text,) = problems(**changes)
    assert "hunter2" not in text
    assert "write secret://env/NAME or secret://file/PATH" in text


def test_a_good_document_becomes_its_shape() -> None:
    """Defaults are filled in."""
    assert config.load(Shape, GOOD | {"inner": {"depth": 2}}) == Shape(
        port=514, token="secret://env/T", inner=Inner(depth=2)
    )


@pytest.mark.parametrize(("text", "expected"), [("250ms", 0.25), ("90s", 90), ("1.5h", 5_400), ("2d", 172_800)])
def test_durations_are_seconds(text: str, expected: float) -> None:
    """Every unit."""
    assert config.seconds(text) == expected
