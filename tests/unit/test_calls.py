"""The calls themselves: what stops one logstore stops no other, a mistake of ours included."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import pytest

from logferry import calls, task, wiring
from logferry.delivery import Patience
from logferry.errors import Misconfigured, SourceError, Unfinished
from logferry.rounds import Crew
from logferry.runtime import Call
from logferry.task_store import Stored

NAMES = itertools.count()


@pytest.fixture
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Two tasks of two logstores that nobody serves."""
    objects = tmp_path_factory.mktemp("objects")
    found = {"LOGFERRY_STATE": f"memory:calls-{next(NAMES)}", "LOGFERRY_OBJECTS": f"folder:{objects}", "TOKEN": "t"}
    for name in ("one", "two"):
        source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "project", "logstore": name}}
        destination = {"splunk_hec": {"url": "http://127.0.0.1:1", "token": "secret://env/TOKEN"}}
        made = task.load({"task": name, "source": source, "destination": destination})
        wiring.workshop(found).tasks.apply(made)
    yield found
    wiring.dismiss()


def call(environ: Mapping[str, str], event: object = None) -> Call:
    """An invocation of a minute."""
    return Call(event or {}, "request-1", environ, lambda: 60.0)


def trouble(environ: Mapping[str, str], errors: Mapping[str, Exception]) -> list[str]:
    """Building these tasks' crews raises these; the list fills with whose turn it was."""
    turns: list[str] = []

    def crew(tasks: Sequence[Stored], patience: Patience) -> Crew:
        del patience
        turns.extend(stored.name for stored in tasks)
        raise errors[tasks[0].name]

    wiring.workshop(environ).crew = crew  # type: ignore[method-assign]  # this workshop only
    return turns


def bell(logstore: str) -> Mapping[str, object]:
    """A trigger's event."""
    source = {"endpoint": "http://127.0.0.1:1", "projectName": "project", "logstoreName": logstore, "shardId": 0}
    return {"source": {**source, "beginCursor": "MQ==", "endCursor": "Mg=="}}


def test_sweep_reports_what_is_wrong_with_each_logstore(environ: Mapping[str, str]) -> None:
    """It comes again anyway, so it returns."""
    turns = trouble(environ, {"one": SourceError("HTTP 500"), "two": Misconfigured("no access key")})
    answer = calls.sweep(call(environ))
    assert turns == ["one", "two"]
    assert answer["errors"] == {"one": "SourceError: HTTP 500", "two": "Misconfigured: no access key"}
    assert answer["finished"] is False


def test_a_mistake_of_ours_is_raised_once_all_had_their_turn(environ: Mapping[str, str]) -> None:
    """The platform's own alarm hears of it, and the second logstore does not wait for the mend."""
    turns = trouble(environ, {"one": TypeError("?"), "two": SourceError("HTTP 500")})
    with pytest.raises(TypeError):
        calls.sweep(call(environ))
    assert turns == ["one", "two"]


@pytest.mark.parametrize("error", [TypeError("?"), SourceError("HTTP 500"), Unfinished("?")])
def test_forward_raises_whatever_keeps_the_range_from_being_read(environ: Mapping[str, str], error: Exception) -> None:
    """An error is what makes the trigger come again."""
    trouble(environ, {"two": error})
    with pytest.raises(type(error)):
        calls.forward(call(environ, bell("two")))
