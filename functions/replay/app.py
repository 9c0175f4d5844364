"""Dead letters are delivered after all: by hand, or on a timer that tries each letter three times at most."""

from logferry.loading import loading

with loading():
    from logferry import replay_calls, runtime

handler = runtime.entry(replay_calls.replay)
initialize = runtime.initializer("logferry.sources.sls", "logferry.transport.exchange")
