"""A subset of SPL, the pipeline language of Simple Log Service, as PullLogs takes it in `query`.

    * | where status in ('403', '404') and cast(bytes as bigint) > 1000 | extend host = lower(host) | project host

Text in, a `Program` out: lexer -> grammar (expressions) and instructions -> evaluation. Nothing of a query is ever run
as Python. Limits: 10 KB, 16 instructions, expressions nested 50 deep, texts of 1 MiB, patterns matched in linear time.

Specification: Simple Log Service, "Basic SPL syntax", "SPL instructions and functions", "General reference".
"""

from logferry_local.spl.errors import SplError
from logferry_local.spl.program import Program, Row, compile_query

__all__ = ["Program", "Row", "SplError", "compile_query"]
