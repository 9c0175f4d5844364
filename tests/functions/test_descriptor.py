"""`s.yaml` read strictly: variables, every mistake at once."""

from pathlib import Path

import pytest

from logferry.errors import ConfigError
from logferry_local.deploy_files.expressions import expand
from logferry_local.trigger_runner import LogTrigger, PutTrigger, TimerTrigger, descriptor

FILE = Path(__file__).parents[2] / "s.yaml"


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    """A copy of the real file with texts replaced; each text must be there."""
    text = FILE.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    """What is wrong with functions and triggers."""
    with pytest.raises(ConfigError) as error:
        descriptor.triggers(descriptor.read(path, environ={}))
    return error.value.problems


def test_the_real_file_has_a_log_trigger_and_a_timer() -> None:
    """The triggers are read as they will be deployed."""
    watched, _log_objects, timer, *_puts = descriptor.triggers(descriptor.read(FILE, environ={}))
    assert isinstance(watched, LogTrigger)
    assert isinstance(timer, TimerTrigger)
    assert (watched.function, watched.project, watched.logstore) == ("forward", "waf-demo", "waf-logstore")
    assert watched.endpoint == "http://cn-hangzhou-intranet.log.aliyuncs.com"
    assert (timer.function, timer.cron, timer.retries) == ("sweep", "@every 5m", 1)


def test_endpoint_and_variables_can_be_replaced() -> None:
    """The same file works against a local log store and another logstore."""
    found = descriptor.read(FILE, environ={}, overrides={"project": "mine"})
    watched = descriptor.triggers(found, endpoint="http://127.0.0.1:8070")[0]
    assert isinstance(watched, LogTrigger)
    assert (watched.project, watched.endpoint) == ("mine", "http://127.0.0.1:8070")


def test_functions_are_the_checkouts_folders(tmp_path: Path) -> None:
    """A resource's name is its folder; time-out, memory and initializer come along."""
    forward = descriptor.functions(descriptor.read(FILE, environ={}), tmp_path)["forward"]
    assert forward.code == tmp_path / "forward"
    assert (forward.timeout, forward.memory, forward.initializer) == (600, 512, "app.initialize")


def test_a_disabled_trigger_does_not_fire(tmp_path: Path) -> None:
    """`enable: false` is obeyed; the platform knows it of logs and timers only."""
    found = descriptor.triggers(descriptor.read(changed(tmp_path, ("enable: true", "enable: false")), environ={}))
    assert [trigger for trigger in found if not isinstance(trigger, PutTrigger)] == []


def test_puts_into_the_configuration_bucket_call_the_function() -> None:
    """Creations of the three endings, with the retries of an asynchronous call."""
    found = descriptor.triggers(descriptor.read(FILE, environ={}))
    puts = [trigger for trigger in found if isinstance(trigger, PutTrigger)]
    assert [(put.function, put.bucket, put.prefix, put.suffix, put.retries) for put in puts] == [
        ("forward", "logferry-log-objects", "", "", 3)
    ] + [("prove_ownership", "logferry-tasks", "", ending, 3) for ending in (".yaml", ".yml", ".json")]


def test_every_mistake_is_listed_with_its_path(tmp_path: Path) -> None:
    """Unknown keys, wrong sizes and missing variables are told in one go."""
    path = changed(
        tmp_path, ("memorySize: 512", "memorySize: 200"), ("cpu: 0.5", "cpus: 0.5"), ("${vars.role}", "${vars.rol}")
    )
    found = "\n".join(problems(path))
    for part in ("forward.props.memorySize: 200", "sweep.props.cpus: unknown key, did you mean cpu?", "${vars.rol}"):
        assert part in found


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "triggerInterval: 60",
            "triggerInterval: 2",
            "triggers[0].triggerConfig.jobConfig.triggerInterval: 2 is not between 3 and 600",
        ),
        ("maxRetryTime: 3", "maxRetryTime: 101", "maxRetryTime: 101 is not between 0 and 100"),
        (
            "triggerType: log",
            "triggerType: cdn",
            "triggerType: 'cdn' is not one of cdn_events, eventbridge, http, log, mns_topic",
        ),
        ("sourceArn: acs:log", "sourceArn: acs:oss", "expected acs:log:REGION:ACCOUNT:project/PROJECT"),
        ('"@every 5m"', '"every day"', "expected `@every 5m` or six fields"),
        ("            sourceConfig:\n              logstore: ${vars.logstore}\n", "", "sourceConfig: is missing"),
    ],
)
def test_a_broken_trigger_is_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """What fc3's own schema lets pass is refused here."""
    assert problem in "\n".join(problems(changed(tmp_path, (old, new))))


def test_an_unknown_override_is_told() -> None:
    """A misspelt variable is not silently ignored."""
    with pytest.raises(ConfigError, match=r"vars\.projct: is not in the file"):
        descriptor.read(FILE, environ={}, overrides={"projct": "mine"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [("resources: {", "is not YAML"), ("[]", "resources: is empty"), ("resources: {a: 1}", "a.props")],
)
def test_an_unreadable_file_is_told(tmp_path: Path, text: str, problem: str) -> None:
    """Neither broken YAML nor a wrong shape ends in a traceback."""
    path = tmp_path / "s.yaml"
    path.write_text(text)
    assert problem in "\n".join(problems(path))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ConfigError, match=r"s\.yaml: cannot be read \(No such file"):
        descriptor.read(tmp_path / "s.yaml", environ={})


def test_expressions_are_replaced_everywhere() -> None:
    """Whole values keep their type, parts become text, a variable may name another."""
    found: list[str] = []
    document = {"a": "${vars.n}", "b": ["x-${vars.m}-${env('E', 'none')}"], "c": "${env('F')}${config('AccountID')}"}
    variables = {"n": 5, "m": "${vars.n}"}
    expanded = expand(document, variables, {"F": "set"}, found)
    assert expanded == {"a": 5, "b": ["x-5-none"], "c": "set1000000000000000"}
    assert not found
