"""Kinds are files: found by name, places taken apart, everything else refused with the known ones."""

import time

import pytest

from logferry import objects, registry, state
from logferry.errors import ConfigError
from logferry.state import memory, sqlite


def test_names_are_the_public_files_of_a_room() -> None:
    """Sorted, private ones left out."""
    assert {"dynamodb", "memory", "sqlite"} <= set(registry.names("state"))
    assert registry.names("state") == sorted(registry.names("state"))
    for room in ("state", "objects", "destinations", "encoders", "sources", "stages.operators"):
        assert not [name for name in registry.names(room) if name.startswith("_")]


@pytest.mark.parametrize(
    "name", ["_rows", "", "sqlite.x", "..state", "os", "Sqlite", "sqlite\n", "__init__", "x" * 1_000]
)
def test_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    """Private files, paths and other packages are no kinds; a long name is cut short."""
    with pytest.raises(ConfigError, match=r"is not one of: .*memory.*sqlite") as caught:
        registry.find("state", name)
    assert caught.value.subject == "state"
    assert len(str(caught.value)) < 200


def test_near_miss_is_hinted_at() -> None:
    """A slip of the finger is told."""
    with pytest.raises(ConfigError, match=r"did you mean sqlite\?"):
        registry.find("state", "sqllite")


def test_place_is_taken_apart() -> None:
    """Kind, location as it stands, options decoded; a location may hold colons and per cents."""
    place = registry.locate("state", "dynamodb:rows?region=eu-west-1&endpoint=http%3A%2F%2F[::1]:80")
    assert (place.module.__name__, place.location) == ("logferry.state.dynamodb", "rows")
    assert place.options == {"region": "eu-west-1", "endpoint": "http://[::1]:80"}
    assert registry.locate("state", "sqlite:/a:b/%20c").location == "/a:b/%20c"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite", "is not of the form dynamodb:… or memory:… or sqlite:…"),
        ("", "is not of the form"),
        ("/var/lib/state.db", "is not of the form"),
        ("mysql:x", "'mysql' is not one of"),
        ("sqlite:", "nothing follows sqlite:, expected sqlite:PATH"),
        ("memory:?", "nothing follows memory:, expected memory:NAME"),
        ("memory:a?b=c", "memory: unknown option 'b'; known: none"),
        ("dynamodb:t?regoin=x", "dynamodb: unknown option 'regoin'; known: region, endpoint"),
        ("dynamodb:t?region=x&region=y", "dynamodb: an option is given twice"),
    ],
)
def test_place_that_is_none_is_told(url: str, problem: str) -> None:
    """What was expected, by the kinds there are."""
    with pytest.raises(ConfigError) as caught:
        state.open_table(url)
    assert problem in str(caught.value)


def test_every_kind_of_place_says_how_it_is_written() -> None:
    """Each table and store names its options and its form, which begins with its name."""
    for room, opening in (("state", "open_table"), ("objects", "open_store")):
        for name in registry.names(room):
            module = registry.find(room, name)
            assert module.FORM.startswith(f"{name}:")
            assert {*module.OPTIONS, *module.__all__} >= {opening, "FORM", "OPTIONS"}


def test_table_gets_the_clock() -> None:
    """The clock is a parameter, by default the system's."""
    table = state.open_table("memory:registry", lambda: time.time() + 100)
    assert isinstance(table, memory.MemoryTable)
    table.put("p", "a", b"", expect=None, expires=time.time() + 50)
    assert table.get("p", "a") is None
    assert state.open_table("memory:registry").get("p", "a") is not None


def test_sqlite_does_not_take_its_own_memory_names() -> None:
    """`sqlite::memory:` would be another table for each connection."""
    with pytest.raises(ConfigError, match="memory:NAME"):
        state.open_table("sqlite::memory:")
    assert sqlite.FORM == "sqlite:PATH"


def test_unknown_store_is_answered_with_the_known_ones() -> None:
    """As for tables."""
    with pytest.raises(ConfigError, match="folder, oss, s3"):
        objects.open_store("gs:bucket")
