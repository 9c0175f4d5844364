"""A timer: every stream that is behind goes on, so a trigger that gave up on a quiet shard loses nothing."""

from logferry.loading import loading

with loading():
    from logferry import calls, runtime

handler = runtime.entry(calls.sweep)
initialize = runtime.initializer("logferry.sources.sls", "logferry.transport.exchange")
