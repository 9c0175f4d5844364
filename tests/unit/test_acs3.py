"""Signature V3: the example that the vendor publishes, and what a second hand makes of any request."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.kms import authorization

from logferry.acs3 import Action, Key, query_of, signed
from logferry.vault import Secret

# "V3 request structure and signature mechanism", fixed parameters.
KEY = Key("YourAccessKeyId", Secret("YourAccessKeySecret"))
EXAMPLE = Action(
    "ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26",
    {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
)  # fmt: skip
NOW, NONCE = 1698315752.0, "3156853299f313e23d1673dc12e1703d"
WANTED = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_the_published_example() -> None:
    """Its signature, from its key, parameters, nonce and date."""
    assert signed(EXAMPLE, KEY, NOW, NONCE)["authorization"].endswith(f"Signature={WANTED}")


def test_the_stub_s_own_check_takes_the_published_example_and_nothing_else() -> None:
    """So that what it verifies is the vendor's rule."""
    headers = signed(EXAMPLE, KEY, NOW, NONCE)
    query = query_of(EXAMPLE.parameters)
    assert authorization("POST", query, headers, KEY.access_key_id, "YourAccessKeySecret") == headers["authorization"]
    assert authorization("POST", query, headers, KEY.access_key_id, "another") != headers["authorization"]


@settings(max_examples=60)
@given(parameters=st.dictionaries(TEXT, TEXT, max_size=4), token=st.none() | st.text("abcXYZ019/+=", min_size=1))
def test_any_request_is_signed_as_the_stub_reads_it(parameters: dict[str, str], token: str | None) -> None:
    """Any parameters, with and without a token."""
    action = Action("kms.cn-hangzhou.aliyuncs.com", "GetSecretValue", "2016-01-20", parameters)
    headers = signed(action, KEY._replace(token=Secret(token) if token else None), NOW, "n")
    wanted = authorization("POST", query_of(parameters), headers, KEY.access_key_id, "YourAccessKeySecret")
    assert headers["authorization"] == wanted


def test_the_secret_is_in_no_header() -> None:
    """Only what is made of it."""
    assert "s3cr3t" not in str(signed(EXAMPLE, Key("id", Secret("s3cr3t")), NOW, NONCE))
