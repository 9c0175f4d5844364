"""Posts of logs, signed by their sender: answered 200 once every record is delivered or parked."""

from logferry.loading import loading

with loading():
    from logferry import receive_calls, runtime

handler = runtime.web_entry(receive_calls.receive)
initialize = runtime.initializer("logferry.sources.received", "logferry.transport.exchange")
