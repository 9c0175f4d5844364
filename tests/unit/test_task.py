"""The delivery task: what a file may say, every mistake of one that is wrong, and what becomes of one that is right."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import categories, kinds, registry, task
from logferry.errors import ConfigError
from logferry.model import Record
from logferry.plan import Tally, select
from logferry.task import Task
from logferry.task_plan import plan_of
from logferry.vault import Vault

VAULT = Vault({"KEY": "a key of thirty-two characters.."})

GOOD: dict[str, Any] = {
    "task": "waf",
    "source": {
        "sls": {"endpoint": "https://cn-hangzhou.log.aliyuncs.com", "project": "waf-project", "logstore": "waf-logs"}
    },
    "destination": {"splunk_hec": {"url": "https://splunk.example:8088", "token": "secret://env/SPLUNK_TOKEN"}},
}


def problems(data: object) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        task.load(data)
    return caught.value.problems


def test_a_task_file_becomes_a_task() -> None:
    """Defaults are filled in; both kinds are known with their checked options."""
    made = task.parse(yaml.safe_dump(GOOD))
    assert (made.task, made.sampling, made.max_lag, made.start, made.fields) == ("waf", "100%", "5m", "begin", None)
    assert (made.source.kind, made.destination.kind) == ("sls", "splunk_hec")
    assert isinstance(made.destination.options, registry.find("destinations", "splunk_hec").Config)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"task": "Waf"}, "task: 'Waf' is not a name of a-z, 0-9 and -, at most 63 long"),
        ({"task": "a" * 64}, "task: "),
        ({"task": "waf\n"}, "task: "),
        ({"surce": 1}, "surce: unknown key, did you mean source?; known: "),
        ({"category": "wof"}, "category: 'wof' is not one of access_origin, dns, "),
        ({"sampling": "0%"}, "sampling: '0%' is not a share above 0% and up to 100%"),
        ({"sampling": "100.1%"}, "sampling: "),
        ({"sampling": 50}, "sampling: 50 is not a share above 0% and up to 100%, such as 12.5%"),
        ({"fields": []}, "fields: [] is not a list of 1-500 field names, each once"),
        ({"fields": ["a", "b", "a"]}, "fields: 'a' stands more than once"),
        ({"fields": ["a", 5]}, "fields[1]: 5 is not the name of a field"),
        ({"max_lag": "0s"}, "max_lag: '0s' is not more than 0"),
        ({"max_lag": 5}, "max_lag: 5 is not a number and ms, s, m, h or d, such as 5m"),
        ({"start": "now"}, "start: 'now' is not begin, end or a time such as"),
        ({"start": "2026-07-01T00:00"}, "start: '2026-07-01T00:00' is not begin, end or a time such as"),
        ({"start": "2026-02-30T00:00:00Z"}, "start: '2026-02-30T00:00:00Z' is not begin, end or a time such as"),
        ({"filter": {"field": "a", "op": "lik", "value": 1}}, "filter.op: 'lik' is not one of cidr, contains, "),
        ({"filter": {"all": []}}, "filter.all: [] is not a list of one or more conditions"),
        ({"filter": [1]}, "filter: [1] is not a mapping"),
        ({"source": {"slz": {}}}, "source.slz: unknown, expected one of "),
        ({"source": {"sls": 1}}, "source.sls: a whole number is not a mapping of "),
        ({"source": "sls"}, "source: text is not a mapping of exactly one of "),
        ({"source": {}}, "source: a mapping of 0 keys is not a mapping of exactly one of "),
        ({"source": None}, "source: null is not a mapping of exactly one of "),
        ({"destination": {"splunk_hec": {}, "syslog_server": {}}},
         "destination: a mapping of 2 keys is not a mapping of exactly one of "),
        ({"fields": [f"{i:0500d}" for i in range(500)], "filter": {"field": "x", "op": "in", "value": ["y" * 20_000]}},
         "document: 27"),
    ],
)  # fmt: skip
def test_one_mistake_gives_one_problem_with_its_path(change: dict[str, object], expected: str) -> None:
    """What, which value, what was expected."""
    found = problems(GOOD | change)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_every_mistake_of_the_whole_document_is_told_at_once() -> None:
    """Keys, stages, source and destination, each with its full path, whatever else is wrong."""
    found = problems(
        {
            "source": {"sls": {"project": "waf-project", "logstore": 5}},
            "categry": "waf",
            "filter": {"any": [{"field": "a", "op": "gt", "value": "x"}, {"not": {"op": "eq"}}]},
            "sampling": "0%",
            "fields": ["a", "a"],
            "start": "noon",
            "destination": {"splunk_hec": {"url": "splunk", "tokn": "x", "max_records": 0}},
        }
    )
    paths = [problem.partition(":")[0] for problem in found]
    for path in (
        "source.sls.endpoint", "source.sls.logstore", "categry", "task", "filter.any[0].value",
        "filter.any[1].not.field", "sampling", "fields", "start", "destination.splunk_hec.tokn",
        "destination.splunk_hec.token", "destination.splunk_hec.max_records",
    ):  # fmt: skip
        assert path in paths


@pytest.mark.parametrize("data", [None, [], "x", 5, {}])
def test_what_is_no_task_at_all_is_refused(data: object) -> None:
    """Empty files, lists, text."""
    assert problems(data)


@pytest.mark.parametrize(
    "token", ["hunter2", ["hunter2"], {"x": "hunter2"}, "secret://hunter2", "secret://ENV/hunter2", "hunter2" * 100]
)
def test_a_literal_secret_is_refused_without_being_shown(token: object) -> None:
    """The message says how to do it right."""
    hec = {"url": "https://splunk.example:8088", "token": token}
    (text,) = problems(GOOD | {"destination": {"splunk_hec": hec}})
    assert text.startswith("destination.splunk_hec.token: ")
    assert "write secret://env/NAME, secret://file/PATH, " in text
    assert "hunter2" not in text


def test_a_destination_that_is_no_mapping_is_not_shown() -> None:
    """Somebody put the token where the options belong."""
    (text,) = problems(GOOD | {"destination": {"splunk_hec": "hunter2"}})
    assert "hunter2" not in text


FULL: dict[str, Any] = GOOD | {
    "category": "waf", "filter": {"all": [{"field": "status", "op": "geq", "value": 400}]}, "sampling": "12.5%",
    "fields": ["status", "host"], "max_lag": "90s", "start": "2026-07-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("data", [GOOD, FULL])
def test_a_dumped_task_is_the_same_task(data: dict[str, Any]) -> None:
    """Also through JSON, as the state table keeps it."""
    made = task.load(data)
    assert task.dump(made) == data
    assert task.load(msgspec.json.decode(msgspec.json.encode(task.dump(made)))) == made


def test_what_stands_at_its_default_is_not_dumped() -> None:
    """An older release need not know an option that nobody uses."""
    assert task.dump(task.load(GOOD | {"sampling": "100%", "start": "begin"})) == GOOD


def test_the_plan_holds_sampler_filter_and_fields() -> None:
    """Records of a plan made from a task: filtered, narrowed."""
    plan = plan_of(task.load(FULL | {"sampling": "100%"}), VAULT)
    records = [Record(i, 0, 0, {"status": str(s), "host": "h", "x": "y"}, b"") for i, s in enumerate((200, 400))]
    tally = Tally()
    assert [record.fields for record in select(plan, records, tally)] == [{"status": "400", "host": "h"}]
    assert (plan.keep, plan.needs, tally.filtered) == (None, ("status",), 1)


def test_two_tasks_keep_different_records() -> None:
    """The sampler is salted with the task's name."""
    plans = [plan_of(task.load(GOOD | {"sampling": "50%", "task": name}), VAULT) for name in ("a", "b")]
    kept = [[plan.keep(b"%d" % i) for i in range(200)] for plan in plans if plan.keep]
    assert kept[0] != kept[1]


def test_a_new_task_starts_where_it_says() -> None:
    """A word, or Unix seconds."""
    starts = [task.start_of(task.load(GOOD | {"start": start})) for start in ("begin", "end", "2026-07-01T00:00:00Z")]
    assert starts == ["begin", "end", 1_782_864_000]


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.sampled_from(["begin", "5m", "secret://env/A", "eq", "!in", "100%", "https://h:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=8) | st.sampled_from(["all", "any", "not", "field", "op", "value"]), inner, max_size=3
    ),
    max_leaves=8,
)  # fmt: skip


def options(room: str) -> st.SearchStrategy[object]:
    """A choice of a room's kinds with its real keys and any values."""
    return st.sampled_from(kinds.known(room)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {}, optional=dict.fromkeys(registry.find(room, kind).Config.__struct_fields__, plain)
        ).map(lambda given: {kind: given})
    )


_names = st.sampled_from(["ClientIP", "ClientRequestID", "SiteName", "CustomFields", "Cookies.a", "x"])
_lists = st.lists(_names, max_size=3, unique=True)
_rules = st.fixed_dictionaries(
    {"action": st.sampled_from(["drop", "mask", "hash"])},
    optional={"fields": _lists, "pattern": st.sampled_from(["ip", "card"]), "key": st.just("secret://env/KEY")},
)
_stages: dict[str, st.SearchStrategy[Any]] = {
    "category": st.sampled_from(categories.names()), "site": st.just("a.example"), "fields": _lists,
    "sampling": st.sampled_from(["1%", "100%"]), "redact": st.lists(_rules, max_size=3),
    "custom_fields": st.fixed_dictionaries({"cookies": _lists}, optional={"shape": st.just("flat")}),
    "timestamps": st.just("unix_s") | st.fixed_dictionaries({"format": st.just("rfc3339"), "fields": _lists}),
    "rename": st.dictionaries(_names, _names, max_size=3),
}  # fmt: skip
documents = st.fixed_dictionaries(
    {},
    optional={name: plain | _stages.get(name, plain) for name in Task.__struct_fields__}
    | {"source": st.just(GOOD["source"]) | options("sources") | plain}
    | {"destination": st.just(GOOD["destination"]) | options("destinations") | plain},
)


@settings(max_examples=300, deadline=None)
@given(documents.map(lambda data: GOOD | data) | plain)
def test_any_data_gives_a_task_or_its_mistakes(data: object) -> None:
    """Nothing but ConfigError is ever raised, and a task that is made can be stored and compiled."""
    with suppress(ConfigError):
        made = task.load(data)
        assert task.load(task.dump(made)) == made
        plan_of(made, VAULT)


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary() | documents.map(lambda data: yaml.safe_dump(GOOD | data, allow_unicode=True)))
def test_any_text_gives_a_task_or_its_mistakes(text: str | bytes) -> None:
    """From bytes to Task nothing else can happen."""
    with suppress(ConfigError):
        task.parse(text)
