"""The triggers of Serverless Devs' component fc3, as types: what each kind requires.

Source: github.com/devsapp/fc3, src/schema.json and src/interface/trigger.ts. The component's own schema takes any
mapping for `triggerConfig`; here each kind has its own, and numbers are numbers (the API's types).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from logferry.config import Config
from logferry_local.deploy_files.fc3 import Name
from logferry_local.deploy_files.fc3_network import Camel, Id

__all__ = [
    "KINDS", "WITH_SOURCE", "HttpConfig", "LogTriggerConfig", "OssConfig", "TimerConfig", "TriggerDocument",
]  # fmt: skip

Interval = Annotated[int, Meta(ge=3, le=600, description="3-600 seconds")]
Retries = Annotated[int, Meta(ge=0, le=100, description="0-100")]
OssEvent = Literal[
    "oss:ObjectCreated:*", "oss:ObjectCreated:AppendObject", "oss:ObjectCreated:CompleteMultipartUpload",
    "oss:ObjectCreated:CopyObject", "oss:ObjectCreated:InitiateMultipartUpload", "oss:ObjectCreated:PostObject",
    "oss:ObjectCreated:PutObject", "oss:ObjectCreated:PutSymlink", "oss:ObjectCreated:UploadPart",
    "oss:ObjectCreated:UploadPartCopy", "oss:ObjectModified:UpdateObjectMeta", "oss:ObjectRemoved:AbortMultipartUpload",
    "oss:ObjectRemoved:DeleteObject", "oss:ObjectRemoved:DeleteObjects",
]  # fmt: skip
Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


class OwnLog(Camel, frozen=True, kw_only=True):
    """Where the trigger writes what it did."""

    project: Id
    logstore: Id


class SourceConfig(Camel, frozen=True, kw_only=True):
    """The watched logstore."""

    logstore: Id


class JobConfig(Camel, frozen=True, kw_only=True):
    """How often, and how stubbornly."""

    trigger_interval: Interval = 60
    max_retry_time: Retries = 3


class LogTriggerConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: log`."""

    enable: bool
    source_config: SourceConfig
    log_config: OwnLog
    job_config: JobConfig
    function_parameter: dict[str, str] = msgspec.field(default_factory=dict)


class TimerConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: timer`."""

    enable: bool
    cron_expression: Id
    payload: str = ""


class KeyFilter(Camel, frozen=True, kw_only=True):
    """Which keys."""

    prefix: str
    suffix: str


class OssFilter(Camel, frozen=True, kw_only=True):
    """Which objects."""

    key: KeyFilter


class OssConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: oss`."""

    events: Annotated[list[OssEvent], Meta(min_length=1, max_length=20)]
    filter: OssFilter


class HttpConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: http`."""

    auth_type: Literal["anonymous", "function", "jwt"]
    methods: Annotated[list[Method], Meta(min_length=1)]
    disable_url_internet: bool = msgspec.field(default=False, name="disableURLInternet")
    auth_config: dict[str, Any] | None = None


class EventSource(Camel, frozen=True, kw_only=True):
    """Whence EventBridge takes events."""

    event_source_type: Literal["Default", "MNS", "RocketMQ", "RabbitMQ", "Kafka", "MQTT", "DTS"]
    event_source_parameters: dict[str, Any]


class EventSink(Camel, frozen=True, kw_only=True):
    """How EventBridge hands them over."""

    delivery_option: dict[str, Any]


class BridgeConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: eventbridge`."""

    trigger_enable: bool
    async_invocation_type: bool
    event_rule_filter_pattern: str  # JSON, as text
    event_source_config: EventSource
    event_sink_config: EventSink
    run_options: dict[str, Any]


class TopicConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: mns_topic`."""

    notify_content_format: Literal["JSON", "STREAM"]
    notify_strategy: Literal["BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"]
    filter_tag: str = ""


class CdnFilter(Camel, frozen=True, kw_only=True):
    """Which domains."""

    domain: Annotated[list[Id], Meta(min_length=1)]


class CdnConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: cdn_events`."""

    event_name: Id
    event_version: Id
    notes: str
    filter: CdnFilter


class TableConfig(Camel, frozen=True, kw_only=True):
    """`triggerType: tablestore`, which has nothing of its own."""


KINDS: dict[str, type[Config]] = {
    "cdn_events": CdnConfig, "eventbridge": BridgeConfig, "http": HttpConfig, "log": LogTriggerConfig,
    "mns_topic": TopicConfig, "oss": OssConfig, "tablestore": TableConfig, "timer": TimerConfig,
}  # fmt: skip
# Who calls the function on behalf of a source needs to know the source and a role that may call.
WITH_SOURCE = {
    "cdn_events": "acs:cdn:*:ACCOUNT", "log": "acs:log:REGION:ACCOUNT:project/PROJECT",
    "mns_topic": "acs:mns:REGION:ACCOUNT:/topics/TOPIC", "oss": "acs:oss:REGION:ACCOUNT:BUCKET",
    "tablestore": "acs:ots:REGION:ACCOUNT:instance/INSTANCE/table/TABLE",
}  # fmt: skip


class TriggerDocument(Camel, frozen=True, kw_only=True):
    """One trigger before its own configuration is looked at."""

    trigger_name: Name
    trigger_type: Literal["cdn_events", "eventbridge", "http", "log", "mns_topic", "oss", "tablestore", "timer"]
    trigger_config: dict[str, Any]
    source_arn: str = ""
    invocation_role: str = ""
    description: Annotated[str, Meta(max_length=256)] = ""
    qualifier: str = "LATEST"
