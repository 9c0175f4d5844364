"""The published way, written anew from its description (Simple Log Service, "Ship logs to SIEM"), as a measure.

It takes every log of an answer into one list with the vendor's kit. Towards Splunk each event is JSON inside JSON and
one POST by a `requests` session; towards syslog each message is one write by the kit's own RFC 5424 client.
"""

import json
from datetime import datetime
from io import StringIO
from typing import Any

import requests
from aliyun.log.ext.syslogclient import FAC_USER, SEV_INFO, SyslogClientRFC5424
from aliyun.log.proto import LogGroupList
from aliyun.log.pulllog_response import PullLogResponse

from bench.corpora import Corpus

__all__ = ["flatten", "to_hec", "to_syslog"]


def flatten(corpus: Corpus) -> list[dict[str, Any]]:
    """All logs as flat dictionaries, by the vendor's kit."""
    message = LogGroupList()
    message.ParseFromString(corpus.unpack())
    logs: list[dict[str, Any]] = PullLogResponse.loggroups_to_flattern_list(
        message, time_as_str=True, decode_bytes=True
    )
    return logs


def to_hec(corpus: Corpus, session: requests.Session, url: str) -> int:
    """One POST an event."""
    for log in flatten(corpus):
        event = {"time": log.pop("__time__"), "sourcetype": "waf", "event": json.dumps(log)}
        session.post(url, data=json.dumps(event, sort_keys=True), timeout=120).raise_for_status()
    return corpus.raw


def to_syslog(corpus: Corpus, port: int) -> int:
    """One write a message."""
    with SyslogClientRFC5424("127.0.0.1", port, proto="tcp", timeout=120) as client:  # type: ignore[no-untyped-call]  # the kit has no types
        for log in flatten(corpus):
            moment = datetime.fromtimestamp(int(log.pop("__time__")))  # noqa: DTZ006  # local time, as published
            text = StringIO()
            for key, value in log.items():
                text.write(f"||{key}={value}")
            client.log(text.getvalue(), facility=FAC_USER, severity=SEV_INFO, timestamp=moment)
    return corpus.raw
