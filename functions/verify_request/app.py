"""Is a request signed by a sender we know? A verdict for API Gateway, or 200 and 403 for a proxy."""

from logferry.loading import loading

with loading():
    from logferry import runtime, verify_calls

handler = runtime.web_entry(verify_calls.verify_request)
initialize = runtime.initializer("logferry.signing")
