r"""Access logs of a web application firewall: 30 fields, about 0.9 kB a log in keys and values.

Fields are named as in Alibaba Cloud WAF's log service; hosts, addresses and people are invented (documentation
networks). Of the logs 0.3 % hold a line break in a value, 1 % quotes and backslashes, 1 % text beyond ASCII; about 5 %
are attacks that were blocked. Times are real event times: they grow, and stand up to two seconds out of order.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from logferry_local.sample_logs import Log

__all__ = ["ID_FIELD", "make"]

ID_FIELD = "request_traceid"
_PER_SECOND = 50
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_HOSTS = ("www.shop.example", "api.shop.example", "m.shop.example", "static.shop.example")
_PATHS = (
    "/", "/index.html", "/api/v1/orders", "/api/v1/orders/checkout", "/api/v1/users/profile", "/search",
    "/product/detail", "/cart", "/assets/app.3f2a9c.js", "/assets/site.81be02.css", "/img/banner-autumn.webp", "/login",
)  # fmt: skip
_QUERIES = (
    "", "page={}&size=20&sort=price_desc", "sku={}&from=recommend", "q=running+shoes&color=blue&page={}",
    "utm_source=newsletter&utm_medium=email&utm_campaign=autumn&id={}", "ts={}",
)  # fmt: skip
_ATTACKS = (
    ("id=1%27%20OR%201%3D1--&n={}", "waf", "113406"), ("file=../../../../etc/passwd&n={}", "waf", "120083"),
    ("q=%3Cscript%3Ealert(1)%3C/script%3E&n={}", "waf", "111012"), ("probe={}", "cc", "20145927"),
    ("scan={}", "antiscan", "151234"),
)  # fmt: skip
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile",
    "okhttp/4.12.0", "python-requests/2.32.3", "curl/8.5.0",
)  # fmt: skip
_TYPES = ("text/html; charset=utf-8", "application/json", "application/javascript", "image/webp", "-")
_STATUSES = ("200",) * 34 + ("304",) * 4 + ("302", "404", "404", "499", "500", "502")
_METHODS = ("GET",) * 13 + ("POST", "POST", "HEAD")


class _Client(NamedTuple):
    """One visitor, who comes back."""

    address: str
    forwarded: str
    agent: str
    cookie: str
    user: str


def make(count: int, *, seed: int = 1, begin: int) -> Iterator[Log]:
    """`count` logs from `begin` (Unix seconds) on, 50 a second."""
    rng = random.Random(f"waf {seed}")  # noqa: S311  # sample data, no secret
    run = rng.getrandbits(32)
    clients = [_client(rng) for _ in range(500)]
    for number in range(count):
        dice = rng.getrandbits(64)
        millis = number * (1000 // _PER_SECOND) - dice % 2000
        second, milli = divmod(begin * 1000 + max(millis, 0), 1000)
        fields = _request(dice, clients[dice % 500], number)
        fields["time"] = _iso(second)
        fields[ID_FIELD] = f"{run:08x}{dice & 0xFFFF:04x}{number:018x}"
        _decorate(fields, dice >> 16)
        yield Log(second, milli * 1_000_000, fields)


def _request(dice: int, client: _Client, number: int) -> dict[str, str]:
    blocked = (dice >> 20 & 63) < 3
    query, plugin, rule = _ATTACKS[dice % 5] if blocked else (_QUERIES[dice % 6], "", "")
    path, host = _PATHS[dice % 12], _HOSTS[dice >> 8 & 3]
    status = "405" if blocked else _STATUSES[(dice >> 26) % len(_STATUSES)]
    millis = str(dice >> 32 & 255)
    arguments = query.format(number)
    return {
        "time": "",  # first, as the service has it; filled in by the caller
        "host": host,
        "matched_host": "*.shop.example",
        "real_client_ip": client.address,
        "remote_addr": client.address,
        "remote_port": str(1024 + (dice >> 40 & 0x7FFF)),
        "request_method": _METHODS[dice >> 12 & 15],
        "request_uri": f"{path}?{arguments}" if arguments else path,
        "querystring": arguments or "-",
        "status": status,
        "http_user_agent": client.agent,
        "http_referer": f"https://{host}/",
        "http_x_forwarded_for": client.forwarded,
        "http_cookie": client.cookie,
        "https": "on",
        "server_protocol": "HTTP/2.0" if dice >> 44 & 3 else "HTTP/1.1",
        "ssl_protocol": "TLSv1.3" if dice >> 45 & 3 else "TLSv1.2",
        "content_type": _TYPES[dice % 5],
        "body_bytes_sent": str(dice >> 36 & 0x1FFFF),
        "request_length": str(400 + (dice >> 28 & 0x3FF)),
        "request_time_msec": millis,
        ID_FIELD: "",
        "final_action": "block" if blocked else "-",
        "final_plugin": plugin or "-",
        "final_rule_id": rule or "-",
        "upstream_addr": "-" if blocked else f"10.0.{dice >> 48 & 7}.{dice >> 51 & 127}:443",
        "upstream_status": "-" if blocked else status,
        "upstream_response_time": "-" if blocked else f"0.{millis:0>3}",
        "region": "cn",
        "user_id": client.user,
    }


def _decorate(fields: dict[str, str], dice: int) -> None:
    """What breaks careless forwarders, in a few logs."""
    share = dice & 1023
    if share < 3:
        fields["http_user_agent"] += "\nX-Injected: <14>1 - evil - - - - forged"
    elif share < 13:
        fields["http_user_agent"] = f'probe "{fields["http_user_agent"]}" C:\\temp\\x'
    elif share < 23:
        fields["querystring"] = "q=跑步鞋&city=münchen&emoji=\U0001f45f"
        fields["request_uri"] = f"/search?{fields['querystring']}"


def _client(rng: random.Random) -> _Client:
    address = f"{rng.choice(_NETWORKS)}.{rng.randrange(1, 255)}"
    session, device, tracking = rng.getrandbits(128), rng.getrandbits(64), rng.getrandbits(256)
    known = rng.random() < 0.4
    return _Client(
        address,
        address if rng.random() < 0.8 else f"{address}, 10.9.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        rng.choice(_AGENTS),
        f"acw_tc={tracking:064x}; session={session:032x}; device={device:016x}; lang=zh-CN; consent=1",
        f"u{rng.randrange(10**9):09d}" if known else "-",
    )


@lru_cache(maxsize=64)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
