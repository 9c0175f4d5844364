"""The events of a SAM function, as types: what each kind requires.

Source: the SAM specification (docs.aws.amazon.com/serverless-application-model, "EventSource"), and the limits of
Lambda's event source mappings (docs.aws.amazon.com/lambda, API CreateEventSourceMapping).
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from logferry.config import Config
from logferry_local.deploy_files.sam import Pascal, Targets

__all__ = ["KINDS", "RESOURCES", "Event"]

Batch = Annotated[int, Meta(ge=1, le=10000, description="1-10000")]
Window = Annotated[int, Meta(ge=0, le=300, description="0-300 seconds")]
Attempts = Annotated[int, Meta(ge=-1, le=10000, description="-1 (without end) to 10000")]
RecordAge = Annotated[int, Meta(ge=-1, le=604800, description="-1 (without end) or 60-604800 seconds")]
Factor = Annotated[int, Meta(ge=1, le=10, description="1-10")]
Position = Literal["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"]
Switch = Literal["ENABLED", "DISABLED"]
Rate = Annotated[
    str,
    Meta(
        pattern=r"^(rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)"
        r"|cron\(\S+( \S+){5}\)|at\(\S+\))$(?!\n)",
        description="rate(1 minute), rate(5 minutes), cron(six fields) or at(time)",
    ),
]
Responses = list[Literal["ReportBatchItemFailures"]]


class Event(Pascal, frozen=True, kw_only=True):
    """One event before its properties are looked at."""

    type: str
    properties: dict[str, Any] | None = None


class S3(Pascal, frozen=True, kw_only=True):
    """`Type: S3`."""

    bucket: str
    events: str | list[str]
    filter: dict[str, Any] | None = None


class Schedule(Pascal, frozen=True, kw_only=True):
    """`Type: Schedule`."""

    schedule: Rate
    dead_letter_config: dict[str, Any] | None = None
    description: str | None = None
    enabled: bool | None = None
    input: str | None = None
    name: str | None = None
    retry_policy: dict[str, Any] | None = None
    role_arn: str | None = None
    state: Switch | None = None


class Scheduler(Pascal, frozen=True, kw_only=True):
    """`Type: ScheduleV2`."""

    schedule_expression: Rate
    dead_letter_config: dict[str, Any] | None = None
    description: str | None = None
    end_date: str | None = None
    flexible_time_window: dict[str, Any] | None = None
    group_name: str | None = None
    input: str | None = None
    kms_key_arn: str | None = None
    name: str | None = None
    omit_name: bool | None = None
    permissions_boundary: str | None = None
    retry_policy: dict[str, Any] | None = None
    role_arn: str | None = None
    schedule_expression_timezone: str | None = None
    start_date: str | None = None
    state: Switch | None = None


class Rule(Pascal, frozen=True, kw_only=True):
    """`Type: EventBridgeRule`."""

    pattern: dict[str, Any]
    dead_letter_config: dict[str, Any] | None = None
    event_bus_name: str | None = None
    input: str | None = None
    input_path: str | None = None
    input_transformer: dict[str, Any] | None = None
    retry_policy: dict[str, Any] | None = None
    rule_name: str | None = None
    state: Switch | None = None
    target: dict[str, Any] | None = None


class LogGroup(Pascal, frozen=True, kw_only=True):
    """`Type: CloudWatchLogs`."""

    filter_pattern: str
    log_group_name: str


class Poller(Pascal, frozen=True, kw_only=True):
    """What all have that Lambda asks for records."""

    batch_size: Batch | None = None
    enabled: bool | None = None
    filter_criteria: dict[str, Any] | None = None
    function_response_types: Responses | None = None
    kms_key_arn: str | None = None
    maximum_batching_window_in_seconds: Window | None = None
    metrics_config: dict[str, Any] | None = None
    provisioned_poller_config: dict[str, Any] | None = None


class Stream(Poller, frozen=True, kw_only=True):
    """What those have that go on from a position."""

    bisect_batch_on_function_error: bool | None = None
    destination_config: Targets | None = None
    maximum_record_age_in_seconds: RecordAge | None = None
    maximum_retry_attempts: Attempts | None = None
    parallelization_factor: Factor | None = None
    starting_position_timestamp: float | None = None
    tumbling_window_in_seconds: int | None = None


class Kinesis(Stream, frozen=True, kw_only=True):
    """`Type: Kinesis`."""

    stream: str
    starting_position: Position


class Queue(Poller, frozen=True, kw_only=True):
    """`Type: SQS`."""

    queue: str
    scaling_config: dict[str, Any] | None = None


class Topic(Pascal, frozen=True, kw_only=True):
    """`Type: SNS`."""

    topic: str
    filter_policy: dict[str, Any] | None = None
    filter_policy_scope: Literal["MessageAttributes", "MessageBody"] | None = None
    redrive_policy: dict[str, Any] | None = None
    region: str | None = None
    sqs_subscription: bool | dict[str, Any] | None = None


class Kafka(Stream, frozen=True, kw_only=True):
    """`Type: MSK` and `Type: SelfManagedKafka`: what both have, and each has alone."""

    topics: Annotated[list[str], Meta(min_length=1, max_length=1, description="a list of one topic")]
    consumer_group_id: str | None = None
    kafka_bootstrap_servers: list[str] | None = None
    schema_registry_config: dict[str, Any] | None = None
    source_access_configurations: list[dict[str, Any]] | None = None
    starting_position: Position | None = None
    stream: str | None = None


class HttpApi(Pascal, frozen=True, kw_only=True):
    """`Type: HttpApi`."""

    api_id: str | None = None
    auth: dict[str, Any] | None = None
    method: str | None = None
    path: str | None = None
    payload_format_version: Literal["1.0", "2.0"] | None = None
    route_settings: dict[str, Any] | None = None
    timeout_in_millis: Annotated[int, Meta(ge=50, le=30000, description="50-30000 ms")] | None = None


class Mapping(Stream, frozen=True, kw_only=True):
    """`AWS::Lambda::EventSourceMapping`: a stream or queue without SAM."""

    function_name: str
    event_source_arn: str | None = None
    starting_position: Position | None = None  # streams only
    amazon_managed_kafka_event_source_config: dict[str, Any] | None = None
    queues: list[str] | None = None
    scaling_config: dict[str, Any] | None = None
    self_managed_event_source: dict[str, Any] | None = None
    self_managed_kafka_event_source_config: dict[str, Any] | None = None
    source_access_configurations: list[dict[str, Any]] | None = None
    tags: list[dict[str, Any]] | None = None
    topics: list[str] | None = None


class Address(Pascal, frozen=True, kw_only=True):
    """`AWS::Lambda::Url`."""

    auth_type: Literal["NONE", "AWS_IAM"]
    target_function_arn: str
    cors: dict[str, Any] | None = None
    invoke_mode: Literal["BUFFERED", "RESPONSE_STREAM"] | None = None
    qualifier: str | None = None


class Subscription(Pascal, frozen=True, kw_only=True):
    """`AWS::Logs::SubscriptionFilter`."""

    destination_arn: str
    filter_pattern: str
    log_group_name: str
    apply_on_transformed_logs: bool | None = None
    distribution: Literal["Random", "ByLogStream"] | None = None
    emit_system_fields: list[str] | None = None
    field_selection_criteria: str | None = None
    filter_name: str | None = None
    role_arn: str | None = None


# CloudFormation's own resources that ring a function.
RESOURCES: dict[str, type[Config]] = {
    "AWS::Lambda::EventSourceMapping": Mapping, "AWS::Lambda::Url": Address,
    "AWS::Logs::SubscriptionFilter": Subscription,
}  # fmt: skip
KINDS: dict[str, type[Config]] = {
    "CloudWatchLogs": LogGroup, "EventBridgeRule": Rule, "HttpApi": HttpApi, "Kinesis": Kinesis, "MSK": Kafka, "S3": S3,
    "SNS": Topic, "SQS": Queue, "Schedule": Schedule, "ScheduleV2": Scheduler, "SelfManagedKafka": Kafka,
}  # fmt: skip
