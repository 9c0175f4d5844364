"""The SLS trigger says "look here": every task of that logstore goes on from its own stored position."""

from logferry.loading import loading

with loading():
    from logferry import calls, runtime

handler = runtime.entry(calls.forward)
initialize = runtime.initializer("logferry.sources.sls", "logferry.transport.exchange")
