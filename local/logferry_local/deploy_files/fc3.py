"""The keys of Serverless Devs' component fc3 and its limits, as types: a function's `props` and the file around them.

Source: github.com/devsapp/fc3, src/schema.json (names, required keys, enumerations, ranges). Stricter than that:
the component takes unknown keys and tells nobody; here each is a mistake, and what logferry needs is required.
Not here, since our functions are zips: containers, custom runtimes, GPUs, sessions. Triggers: `fc3_triggers`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from logferry_local.deploy_files.fc3_network import Camel, Dns, Id, NasConfig, OssMount, VpcBinding, VpcConfig

__all__ = [
    "MAX_LAYERS",
    "MAX_TRIGGERS",
    "AsyncInvoke",
    "Document",
    "LogConfig",
    "Props",
    "Region",
    "Resource",
    "VpcConfig",
]

MAX_LAYERS = 5
MAX_TRIGGERS = 10

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$(?!\n)",
        description="at most 64 letters, digits, - and _, starting with a letter or _",
    ),
]
Region = Literal[
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "ap-southeast-5", "ap-southeast-7", "cn-beijing", "cn-chengdu", "cn-hangzhou", "cn-heyuan-acdr-1", "cn-hongkong",
    "cn-huhehaote", "cn-qingdao", "cn-shanghai", "cn-shanghai-cloudspe", "cn-shanghai-finance-1", "cn-shenzhen",
    "cn-wulanchabu", "cn-zhangjiakou", "eu-central-1", "eu-west-1", "me-central-1", "us-east-1", "us-west-1",
]  # fmt: skip
Runtime = Literal[
    "custom", "custom-container", "custom.debian10", "custom.debian11", "custom.debian12", "dotnetcore2.1",
    "dotnetcore3.1", "go1", "java11", "java8", "nodejs10", "nodejs12", "nodejs14", "nodejs16", "nodejs18", "nodejs20",
    "nodejs8", "php7.2", "python2.7", "python3", "python3.10", "python3.12", "python3.9",
]  # fmt: skip
Memory = Annotated[int, Meta(ge=128, le=32768, multiple_of=64, description="128-32768 MB in steps of 64")]
Cpu = Annotated[float, Meta(ge=0.05, le=16, description="0.05-16 vCPU")]
Timeout = Annotated[int, Meta(ge=1, le=86400, description="1-86400 seconds")]
Age = Annotated[int, Meta(ge=1, le=2592000, description="1-2592000 seconds")]
AsyncRetries = Annotated[int, Meta(ge=0, le=8, description="0-8")]
Concurrency = Annotated[int, Meta(ge=1, le=200, description="1-200")]
Count = Annotated[int, Meta(ge=0, description="0 or more")]
Handler = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$(?!\n)", description="FILE.FUNCTION such as app.handler"),
]


class LogConfig(Camel, frozen=True, kw_only=True):
    """Where a function's own log goes."""

    project: Id
    logstore: Id
    enable_request_metrics: bool = False
    enable_instance_metrics: bool = False
    enable_llm_metrics: bool = False
    log_begin_rule: Literal["DefaultRegex", "None"] = "None"


class Hook(Camel, frozen=True, kw_only=True):
    """One lifecycle hook."""

    handler: Handler
    timeout: Timeout = 3


class Lifecycle(Camel, frozen=True, kw_only=True):
    """Hooks around an instance's life."""

    initializer: Hook | None = None
    pre_stop: Hook | None = None


class Destination(Camel, frozen=True, kw_only=True):
    """Who is told."""

    destination: Id


class Destinations(Camel, frozen=True, kw_only=True):
    """Who is told what became of an asynchronous call."""

    on_success: Destination | None = None
    on_failure: Destination | None = None


class AsyncInvoke(Camel, frozen=True, kw_only=True):
    """What becomes of a failed asynchronous call."""

    max_async_retry_attempts: AsyncRetries = 3
    max_async_event_age_in_seconds: Age = 18000
    destination_config: Destinations | None = None
    async_task: bool = False
    qualifier: str = "LATEST"


class Tag(Camel, frozen=True, kw_only=True):
    """One label."""

    key: Id
    value: str


class Reserved(Camel, frozen=True, kw_only=True):
    """Instances set aside for the function, and its most."""

    reserved_concurrency: Count


class Provision(Camel, frozen=True, kw_only=True):
    """Instances kept warm."""

    default_target: Count
    always_allocate_cpu: bool = msgspec.field(name="alwaysAllocateCPU")
    always_allocate_gpu: bool = msgspec.field(name="alwaysAllocateGPU")
    scheduled_actions: list[dict[str, Any]]
    target_tracking_policies: list[dict[str, Any]]


class Props(Camel, frozen=True, kw_only=True):
    """One function."""

    region: Region
    function_name: Name
    runtime: Runtime
    handler: Handler
    code: Id
    role: Id
    memory_size: Memory
    timeout: Timeout
    environment_variables: dict[str, str]
    log_config: LogConfig
    cpu: Cpu = 0.35
    disk_size: Literal[512, 10240] = 512
    instance_concurrency: Concurrency = 1
    description: Annotated[str, Meta(max_length=256)] = ""
    internet_access: bool = True
    layers: Annotated[list[Id], Meta(max_length=MAX_LAYERS, description="a list of at most 5 layers")] = msgspec.field(
        default_factory=list
    )
    vpc_config: Literal["auto"] | VpcConfig | None = None
    vpc_binding: VpcBinding | None = None
    nas_config: Literal["auto"] | NasConfig | None = None
    oss_mount_config: OssMount | None = None
    custom_dns: Dns | None = msgspec.field(default=None, name="customDNS")
    tags: list[Tag] = msgspec.field(default_factory=list)
    instance_lifecycle_config: Lifecycle | None = None
    async_invoke_config: AsyncInvoke | None = None
    concurrency_config: Reserved | None = None
    provision_config: Provision | None = None
    resource_group_id: str = ""
    scaling_config: dict[str, Any] | None = None
    tracing_config: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None
    endpoint: str = ""
    triggers: Annotated[
        list[dict[str, Any]], Meta(max_length=MAX_TRIGGERS, description="a list of at most 10 triggers")
    ] = msgspec.field(default_factory=list)


class Resource(Camel, frozen=True, kw_only=True):
    """One entry of `resources`."""

    component: Literal["fc3"]
    props: Props
    actions: dict[str, Any] = msgspec.field(default_factory=dict)


class Document(Camel, frozen=True, kw_only=True):
    """The whole file."""

    edition: Literal["3.0.0"]
    name: Id
    access: Id = "default"
    vars: dict[str, Any] = msgspec.field(default_factory=dict)
    resources: dict[str, Resource]
