"""Access and origin logs of an edge network: the 57 fields of ESA's category of that name and `CustomFields`.

About 1.7 kB a log in keys and values. Addresses, hosts and people are invented (documentation networks). Of the logs
70 % were answered by the cache: for these the fields about the origin hold `-` and `-1`, as ESA marks what is missing.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from logferry_local.sample_logs import Log

__all__ = ["ID_FIELD", "make"]

ID_FIELD = "ClientRequestID"
_PER_SECOND = 200
_ZONE = timezone(timedelta(hours=8))  # the offset that ESA writes
_PATHS = ("/", "/index.html", "/api/v1/orders", "/api/v1/login", "/search", "/img/banner.webp", "/assets/app.js")
_QUERIES = ("", "page={}&size=20", "q=running+shoes&page={}", "utm_source=newsletter&id={}")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "okhttp/4.12.0", "curl/8.5.0",
)  # fmt: skip
_STATUSES = ("200",) * 34 + ("304",) * 4 + ("302", "404", "404", "499", "500", "502")
_COUNTRIES = (("CN", "CN-ZJ"), ("DE", "DE-BE"), ("US", "US-CA"), ("SG", "SG-01"))
_ORIGIN_TEXTS = (
    "OriginIP", "OriginSSLProtocol", "OriginResponseHTTPExpires", "OriginResponseHTTPLastModified",
    "OriginResponseHeaderRange",
)  # fmt: skip
_ORIGIN_NUMBERS = (
    "OriginDNSResponseTimeMs", "OriginTCPHandshakeDurationMs", "OriginTLSHandshakeDurationMs",
    "OriginResponseDurationMs", "OriginResponseStatusCode",
)  # fmt: skip
_CACHED = dict.fromkeys(_ORIGIN_TEXTS, "-") | dict.fromkeys(_ORIGIN_NUMBERS, "-1")


def make(count: int, *, seed: int = 1, begin: int) -> Iterator[Log]:
    """`count` logs from `begin` (Unix seconds) on, 200 a second."""
    rng = random.Random(f"access_origin {seed}")  # noqa: S311  # sample data, no secret
    run = rng.getrandbits(32)
    for number in range(count):
        dice = rng.getrandbits(64)
        second, part = divmod(number, _PER_SECOND)
        milli = part * (1000 // _PER_SECOND)
        fields = _client(dice) | _request(dice, number) | _edge(dice, begin + second) | _origin(dice)
        fields[ID_FIELD] = f"{run:08x}{dice & 0xFFFF:04x}{number:012x}"
        fields["CustomFields"] = _custom(dice)
        yield Log(begin + second, milli * 1_000_000, fields)


def _client(dice: int) -> dict[str, str]:
    country, region = _COUNTRIES[dice & 3]
    return {
        "BotTag": "unrecognized", "ClientASN": str(64_496 + (dice & 15)), "ClientCountryCode": country,
        "ClientIP": f"203.0.113.{dice >> 4 & 255}", "ClientISP": "Example Carrier", "ClientRegionCode": region,
        "ClientSSLCipher": "TLS_AES_128_GCM_SHA256", "ClientSSLProtocol": "TLSv1.3",
        "ClientSrcPort": str(20_000 + (dice >> 12 & 0x3FFF)), "ClientXRequestedWith": "-",
        "JA3Hash": f"{dice & 3:032x}", "JA4Hash": "t13d1516h2_8daaf6152771_02713d6af862", "TlsHash": f"{dice & 7:032x}",
    }  # fmt: skip


def _request(dice: int, number: int) -> dict[str, str]:
    path, query = _PATHS[dice % 7], _QUERIES[dice >> 3 & 3].format(number)
    return {
        "ClientRequestBytes": str(400 + (dice >> 20 & 511)), "ClientRequestHeaderRange": "-",
        "ClientRequestHost": "www.shop.example", "ClientRequestMethod": "POST" if dice & 15 == 0 else "GET",
        "ClientRequestPath": path, "ClientRequestProtocol": "HTTP/2.0",
        "ClientRequestReferer": "https://www.shop.example/", "ClientRequestQuery": query,
        "ClientRequestScheme": "https", "ClientRequestURI": f"{path}?{query}" if query else path,
        "ClientRequestUserAgent": _AGENTS[dice >> 5 & 3],
    }  # fmt: skip


def _edge(dice: int, second: int) -> dict[str, str]:
    millis, size = dice >> 32 & 255, dice >> 40 & 0xFFFF
    return {
        "EdgeServerID": f"edge-{dice & 63:04d}", "EdgeServerIP": f"198.51.100.{dice >> 6 & 63}",
        "EdgeStartTimestamp": _iso(second), "EdgeEndTimestamp": _iso(second), "SiteName": "shop.example",
        "SmartRoutingStatus": "0", "EdgeCacheStatus": "HIT" if _is_cached(dice) else "MISS",
        "EdgeRequestHost": "origin.shop.example", "EdgeResponseBodyBytes": str(size),
        "EdgeResponseBytes": str(size + 600), "EdgeResponseCompressionAlgo": "gzip",
        "EdgeResponseCompressionRatio": "3.1", "EdgeResponseContentType": "text/html",
        "EdgeResponseStatusCode": _STATUSES[(dice >> 26) % len(_STATUSES)], "EdgeResponseTime": str(millis + 3),
        "EdgeTimeToFirstByteMs": str(millis), "SecAction": "", "SecActions": "", "SecRuleID": "", "SecRuleIDs": "",
        "SecSource": "", "SecSources": "",
    }  # fmt: skip


def _origin(dice: int) -> dict[str, str]:
    if _is_cached(dice):
        return _CACHED
    return {
        "OriginIP": "192.0.2.10", "OriginSSLProtocol": "TLSv1.2", "OriginResponseHTTPExpires": "-",
        "OriginResponseHTTPLastModified": "-", "OriginResponseHeaderRange": "-", "OriginDNSResponseTimeMs": "1",
        "OriginTCPHandshakeDurationMs": "12", "OriginTLSHandshakeDurationMs": "25",
        "OriginResponseDurationMs": str(40 + (dice >> 48 & 127)), "OriginResponseStatusCode": "200",
    }  # fmt: skip


def _custom(dice: int) -> str:
    found = {
        "RequestHeaders": {"x-tenant": f"tenant-{dice & 7}"},
        "ResponseHeaders": {"x-release": "2026.7"},
        "Cookies": {"AB_Group": "b" if dice & 8 else "a"},
    }
    return json.dumps(found, separators=(",", ":"))


def _is_cached(dice: int) -> bool:
    return (dice >> 56) % 10 < 7


@lru_cache(maxsize=4)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).astimezone(_ZONE).isoformat()
