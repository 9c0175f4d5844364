"""The signature: what AWS publishes as an example, and what botocore makes of any request."""

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.buckets.endpoint import Address, parse
from logferry.sigv4 import Key, Message, signed
from logferry.vault import Secret

# The key of the examples in AWS's description of Signature Version 4 for S3.
KEY = Key("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
NOW = 1369353600.0
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(
    lambda text: not set(text.split("/")) & {"", ".", ".."}
)
VALUES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20).map(str.strip)


def test_the_published_example_of_a_query() -> None:
    """GET ?lifecycle, signed with exactly the headers that ours signs."""
    found = signed(Message("GET", "examplebucket.s3.amazonaws.com", "/", "lifecycle="), KEY, "us-east-1", NOW)
    wanted = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    assert found["authorization"].endswith(f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={wanted}")


@settings(max_examples=60)
@given(
    key=KEYS, storage=VALUES, token=st.none() | st.text("abcXYZ019/+=", min_size=1), body=st.binary(max_size=40),
    is_virtual=st.booleans(),
)  # fmt: skip
def test_botocore_signs_the_same(key: str, storage: str, token: str | None, body: bytes, *, is_virtual: bool) -> None:
    """Any key, header, token and body, in both ways of addressing."""
    address = Address(parse("http://store.example:9000"), "logs", "virtual" if is_virtual else "path")
    headers = {"Content-Type": "text/plain", "x-amz-meta-note": storage}
    message = Message("PUT", address.host, address.path(key), "", headers, body)
    ours = signed(message, KEY._replace(token=Secret(token) if token else None), "eu-west-1", NOW)
    covered = {name: value for name, value in ours.items() if name != "authorization"}
    request = AWSRequest("PUT", f"http://{address.host}{address.path(key)}", headers=covered, data=body)
    request.context["timestamp"] = ours["x-amz-date"]
    auth = S3SigV4Auth(Credentials(KEY.access_key_id, KEY.secret.reveal(), token), "s3", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize("secret", ["", "x"])
def test_the_secret_is_in_no_header(secret: str) -> None:
    """Only what is made of it."""
    key = Key("id", Secret(f"s3cr3t{secret}"))
    assert "s3cr3t" not in str(signed(Message("GET", "h", "/"), key, "r", NOW))


@settings(max_examples=30)
@given(body=st.binary(max_size=40), token=st.none() | st.text("abcXYZ019/+=", min_size=1))
def test_botocore_signs_the_same_for_a_json_protocol(body: bytes, token: str | None) -> None:
    """Other services have a scope of their own, and are asked at `/`."""
    host, headers = "secretsmanager.eu-west-1.amazonaws.com", {"X-Amz-Target": "secretsmanager.GetSecretValue"}
    key = KEY._replace(token=Secret(token) if token else None)
    ours = signed(Message("POST", host, "/", "", headers, body), key, "eu-west-1", NOW, "secretsmanager")
    covered = {name: value for name, value in ours.items() if name != "authorization"}
    request = AWSRequest("POST", f"https://{host}/", headers=covered, data=body)
    request.context["timestamp"] = ours["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY.access_key_id, KEY.secret.reveal(), token), "secretsmanager", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
