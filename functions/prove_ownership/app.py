"""A task file was put into the configuration bucket: it is applied, and a token placed that its owner tells back."""

from logferry.loading import loading

with loading():
    from logferry import prove_calls, runtime

handler = runtime.entry(prove_calls.prove)
initialize = runtime.initializer("logferry.sources.sls", "logferry.transport.exchange")
