"""AWS SAM's template, as types: its outer keys, functions and layers with Lambda's limits. Events: `sam_events`.

Sources: the SAM specification (docs.aws.amazon.com/serverless-application-model, "Resource and property reference")
and Lambda's quotas (docs.aws.amazon.com/lambda, "Lambda quotas"). Other resources' properties are CloudFormation's,
which cfn-lint checks.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from logferry.config import Config

__all__ = ["FUNCTION", "LAYER", "FunctionGlobals", "FunctionProperties", "LayerProperties", "Resource", "Template"]

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"

Memory = Annotated[int, Meta(ge=128, le=10240, description="128-10240 MB")]
Timeout = Annotated[int, Meta(ge=1, le=900, description="1-900 seconds")]
Storage = Annotated[int, Meta(ge=512, le=10240, description="512-10240 MB")]
Retries = Annotated[int, Meta(ge=0, le=2, description="0-2")]
Age = Annotated[int, Meta(ge=60, le=21600, description="60-21600 seconds")]
Layers = Annotated[list[str], Meta(max_length=5, description="a list of at most 5 layers")]
Handler = Annotated[
    str, Meta(pattern=r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$(?!\n)", description="FILE.FUNCTION such as app.handler")
]
Runtime = Literal["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"]
Tags = dict[str, str]


class Pascal(Config, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    """Keys as CloudFormation spells them."""


class Environment(Pascal, frozen=True, kw_only=True):
    """What a function's process finds."""

    variables: dict[str, str]


class Target(Pascal, frozen=True, kw_only=True):
    """Who is told."""

    destination: str | None = None
    type: Literal["SQS", "SNS", "Lambda", "EventBridge", "S3Bucket"] | None = None


class Targets(Pascal, frozen=True, kw_only=True):
    """Who is told what became of an asynchronous call."""

    on_success: Target | None = None
    on_failure: Target | None = None


class AsyncInvoke(Pascal, frozen=True, kw_only=True):
    """What becomes of a failed asynchronous call."""

    maximum_retry_attempts: Retries | None = None
    maximum_event_age_in_seconds: Age | None = None
    destination_config: Targets | None = None


class Logging(Pascal, frozen=True, kw_only=True):
    """Where a function's log goes, and how."""

    log_group: str | None = None
    log_format: Literal["Text", "JSON"] | None = None
    application_log_level: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] | None = None
    system_log_level: Literal["DEBUG", "INFO", "WARN"] | None = None


class Vpc(Pascal, frozen=True, kw_only=True):
    """The network into which the function reaches."""

    security_group_ids: list[str]
    subnet_ids: list[str]
    ipv6_allowed_for_dual_stack: bool | None = None


class Cors(Pascal, frozen=True, kw_only=True):
    """Which pages may call a Function URL."""

    allow_credentials: bool | None = None
    allow_headers: list[str] | None = None
    allow_methods: list[str] | None = None
    allow_origins: list[str] | None = None
    expose_headers: list[str] | None = None
    max_age: int | None = None


class FunctionUrl(Pascal, frozen=True, kw_only=True):
    """An address of the function's own."""

    auth_type: Literal["NONE", "AWS_IAM"]
    cors: Cors | None = None
    invoke_mode: Literal["BUFFERED", "RESPONSE_STREAM"] | None = None


class Ephemeral(Pascal, frozen=True, kw_only=True):
    """The folder for temporary files."""

    size: Storage


class DeadLetterQueue(Pascal, frozen=True, kw_only=True):
    """Where events go that failed for good."""

    target_arn: str
    type: Literal["SQS", "SNS"]


class FunctionGlobals(Pascal, frozen=True, kw_only=True):
    """What all functions have, and each may have otherwise."""

    architectures: list[Literal["x86_64", "arm64"]] | None = None
    assume_role_policy_document: dict[str, Any] | None = None
    auto_publish_alias: str | None = None
    auto_publish_alias_all_properties: bool | None = None
    code_uri: str | None = None
    dead_letter_queue: DeadLetterQueue | None = None
    deployment_preference: dict[str, Any] | None = None
    description: Annotated[str, Meta(max_length=256)] | None = None
    environment: Environment | None = None
    ephemeral_storage: Ephemeral | None = None
    event_invoke_config: AsyncInvoke | None = None
    file_system_configs: list[dict[str, Any]] | None = None
    function_url_config: FunctionUrl | None = None
    handler: Handler | None = None
    kms_key_arn: str | None = None
    layers: Layers | None = None
    logging_config: Logging | None = None
    memory_size: Memory | None = None
    permissions_boundary: str | None = None
    propagate_tags: bool | None = None
    provisioned_concurrency_config: dict[str, Any] | None = None
    recursive_loop: Literal["Allow", "Terminate"] | None = None
    reserved_concurrent_executions: Annotated[int, Meta(ge=0)] | None = None
    role_path: str | None = None
    runtime: Runtime | None = None
    runtime_management_config: dict[str, Any] | None = None
    snap_start: dict[str, Any] | None = None
    tags: Tags | None = None
    timeout: Timeout | None = None
    tracing: Literal["Active", "PassThrough", "Disabled"] | None = None
    vpc_config: Vpc | None = None


class FunctionProperties(FunctionGlobals, frozen=True, kw_only=True):
    """One function; what its `Globals` say need not be said again."""

    code_signing_config_arn: str | None = None
    events: dict[str, Any] | None = None  # each by its type: `sam_events`
    function_name: Annotated[str, Meta(max_length=64)] | None = None
    package_type: Literal["Zip", "Image"] | None = None
    policies: list[Any] | dict[str, Any] | str | None = None
    role: str | None = None
    source_kms_key_arn: str | None = msgspec.field(default=None, name="SourceKMSKeyArn")
    version_description: str | None = None
    version_deletion_policy: Literal["Delete", "Retain"] | None = None


class LayerProperties(Pascal, frozen=True, kw_only=True):
    """One layer."""

    content_uri: str
    compatible_architectures: list[Literal["x86_64", "arm64"]] | None = None
    compatible_runtimes: list[Runtime] | None = None
    description: Annotated[str, Meta(max_length=256)] | None = None
    layer_name: str | None = None
    license_info: str | None = None
    publish_lambda_version: bool | None = None
    retention_policy: Literal["Retain", "Delete"] | None = None


class Parameter(Pascal, frozen=True, kw_only=True):
    """What is asked at the deployment."""

    type: str
    default: Any = None
    description: str | None = None
    allowed_pattern: str | None = None
    allowed_values: list[Any] | None = None
    constraint_description: str | None = None
    max_length: Any = None
    min_length: Any = None
    max_value: Any = None
    min_value: Any = None
    no_echo: bool | None = None


class Resource(Pascal, frozen=True, kw_only=True):
    """One resource of any type."""

    type: str
    properties: dict[str, Any] | None = None
    condition: str | None = None
    creation_policy: dict[str, Any] | None = None
    deletion_policy: Literal["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"] | None = None
    depends_on: str | list[str] | None = None
    metadata: dict[str, Any] | None = None
    update_policy: dict[str, Any] | None = None
    update_replace_policy: Literal["Delete", "Retain", "Snapshot"] | None = None


class Output(Pascal, frozen=True, kw_only=True):
    """What is told after the deployment."""

    value: str
    condition: str | None = None
    description: str | None = None
    export: dict[str, str] | None = None


class Globals(Pascal, frozen=True, kw_only=True):
    """What all resources of a type have."""

    function: FunctionGlobals | None = None
    api: dict[str, Any] | None = None
    http_api: dict[str, Any] | None = None
    layer_version: dict[str, Any] | None = None
    simple_table: dict[str, Any] | None = None
    state_machine: dict[str, Any] | None = None


class Template(Pascal, frozen=True, kw_only=True):
    """The whole file."""

    transform: Literal["AWS::Serverless-2016-10-31"] | list[str]
    resources: dict[str, Resource]
    version: str | None = msgspec.field(default=None, name="AWSTemplateFormatVersion")
    conditions: dict[str, Any] | None = None
    description: Annotated[str, Meta(max_length=1024)] | None = None
    globals: Globals | None = None
    hooks: dict[str, Any] | None = None
    mappings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    outputs: dict[str, Output] | None = None
    parameters: dict[str, Parameter] | None = None
    rules: dict[str, Any] | None = None
