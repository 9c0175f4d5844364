"""The keys of Serverless Devs' component fc3 that logferry's `s.yaml` uses, with fc3's limits.

The component accepts unknown keys and empty trigger configurations and tells nobody; here each unknown key is a
mistake. A key that the file should use is added here first.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from logferry.config import Config

__all__ = ["HttpConfig", "LogTriggerConfig", "OssConfig", "Props", "TimerConfig", "TriggerDocument"]

Memory = Annotated[int, Meta(ge=128, le=32768, multiple_of=64, description="128-32768 MB in steps of 64")]
Timeout = Annotated[int, Meta(ge=1, le=86400, description="1-86400 seconds")]
Interval = Annotated[int, Meta(ge=3, le=600, description="3-600 seconds")]
Retries = Annotated[int, Meta(ge=0, le=100, description="0-100")]
PutEvent = Annotated[
    str,
    Meta(pattern=r"^oss:ObjectCreated:[A-Za-z*]+$(?!\n)", description="oss:ObjectCreated:PutObject or a sister of it"),
]
AsyncRetries = Annotated[int, Meta(ge=0, le=8, description="0-8")]


class _Camel(Config, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Keys as fc3 spells them."""


class LogConfig(_Camel, frozen=True, kw_only=True):
    """Where a function's or a trigger's own log goes."""

    project: str
    logstore: str
    enable_request_metrics: bool = False
    enable_instance_metrics: bool = False
    log_begin_rule: Literal["DefaultRegex", "None"] = "None"


class Hook(_Camel, frozen=True, kw_only=True):
    """One lifecycle hook."""

    handler: str
    timeout: Timeout = 3


class Lifecycle(_Camel, frozen=True, kw_only=True):
    """Hooks around an instance's life."""

    initializer: Hook | None = None


class AsyncInvoke(_Camel, frozen=True, kw_only=True):
    """What becomes of a failed asynchronous call."""

    max_async_retry_attempts: AsyncRetries = 3
    max_async_event_age_in_seconds: int = 18000


class SourceConfig(_Camel, frozen=True, kw_only=True):
    """The watched logstore."""

    logstore: str


class JobConfig(_Camel, frozen=True, kw_only=True):
    """How often, and how stubbornly."""

    trigger_interval: Interval = 60
    max_retry_time: Retries = 3


class LogTriggerConfig(_Camel, frozen=True, kw_only=True):
    """`triggerType: log`."""

    enable: bool
    source_config: SourceConfig
    log_config: LogConfig
    job_config: JobConfig
    function_parameter: dict[str, str] = msgspec.field(default_factory=dict)


class TimerConfig(_Camel, frozen=True, kw_only=True):
    """`triggerType: timer`."""

    enable: bool
    cron_expression: str
    payload: str = ""


class KeyFilter(_Camel, frozen=True, kw_only=True):
    """Which keys."""

    prefix: str
    suffix: str


class OssFilter(_Camel, frozen=True, kw_only=True):
    """Which objects."""

    key: KeyFilter


class OssConfig(_Camel, frozen=True, kw_only=True):
    """`triggerType: oss`, for objects that are made."""

    events: Annotated[list[PutEvent], Meta(min_length=1, max_length=20)]
    filter: OssFilter


class HttpConfig(_Camel, frozen=True, kw_only=True):
    """`triggerType: http`."""

    auth_type: Literal["anonymous", "function", "jwt"]
    methods: Annotated[list[Literal["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]], Meta(min_length=1)]


class TriggerDocument(_Camel, frozen=True, kw_only=True):
    """One trigger before its own configuration is looked at."""

    trigger_name: str
    trigger_type: Literal["http", "log", "oss", "timer"]
    trigger_config: dict[str, Any]
    source_arn: str = ""
    invocation_role: str = ""
    description: str = ""
    qualifier: str = "LATEST"


class Props(_Camel, frozen=True, kw_only=True):
    """One function."""

    region: str
    function_name: str
    runtime: Literal["python3.12"]
    handler: str
    code: str
    role: str
    memory_size: Memory
    timeout: Timeout
    environment_variables: dict[str, str]
    log_config: LogConfig
    cpu: float = 0.35
    disk_size: Literal[512, 10240] = 512
    description: str = ""
    layers: list[str] = msgspec.field(default_factory=list)
    instance_lifecycle_config: Lifecycle | None = None
    async_invoke_config: AsyncInvoke | None = None
    triggers: list[dict[str, Any]] = msgspec.field(default_factory=list)
