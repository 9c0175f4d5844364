"""The vendor's ConsumerWorker shipping to an event collector the way the published script does: one event a request,
an error raised out of `process`, the checkpoint saved after the batch.

Arguments: project, logstore, group, consumer, collector's address. The store is reached through `http_proxy`.
"""

import logging
import os
import sys

import requests
from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, CursorPosition, LogHubConfig
from aliyun.log.pulllog_response import PullLogResponse

ENDPOINT = "http://cn-test.log.aliyuncs.com"


class Shipper(ConsumerProcessorBase):
    """Posts each log, and lets an error out."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__()
        self.url = f"{url}/services/collector"
        self.session = requests.Session()
        self.session.trust_env = False  # the store's proxy is not the collector's
        self.session.headers["Authorization"] = f"Splunk {token}"

    def process(self, log_groups: object, check_point_tracker: object) -> None:
        """One fetched batch."""
        for log in PullLogResponse.loggroups_to_flattern_list(log_groups, time_as_str=True, decode_bytes=True):
            event = {"time": log["__time__"], "event": log}
            self.session.post(self.url, json=event, timeout=10).raise_for_status()
        self.save_checkpoint(check_point_tracker)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    project, logstore, group, consumer, collector = sys.argv[1:]
    options = LogHubConfig(
        ENDPOINT, os.environ["SLS_AK_ID"], os.environ["SLS_AK_KEY"], project, logstore, group, consumer,
        cursor_position=CursorPosition.BEGIN_CURSOR, heartbeat_interval=1, data_fetch_interval=1,
    )  # fmt: skip
    ConsumerWorker(Shipper, options, args=(collector, os.environ["HEC_TOKEN"])).start(join=True)
