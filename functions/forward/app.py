"""The SLS trigger says "look here": every task of that logstore goes on from its own stored position."""

from logferry import runtime, wiring

handler = runtime.entry(wiring.forward)
initialize = runtime.initializer("logferry.sources.sls", "logferry.transport.web")
