"""auth_key: the vendor's worked example, computed ones, and everything that must be refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import signing
from logferry.errors import Misconfigured
from logferry.signing import Verdict, private_key, sign, signed, verify, weigh
from logferry.vault import Secret, Vault

CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "golden/signing/auth_key.yaml").read_text(encoding="utf-8")
)
SIGNS = [pytest.param(case, id=case["name"]) for case in CASES["signs"]]
CHECKS = [pytest.param(case, id=case["name"]) for case in CASES["checks"]]
NOW, KEY, OTHER = 1_767_225_600, Secret("Logferry2026Key"), Secret("abc123")


def target(path: str = "/in", key: Secret = KEY, *, now: float = NOW, expires: float = 300) -> str:
    """A signed path and query."""
    return f"{path}?site=a&auth_key={sign(path, key, now=now, expires=expires, rand='0')}"


@pytest.mark.parametrize("case", SIGNS)
def test_value_is_the_documented_one(case: dict[str, Any]) -> None:
    """Signing gives the digest of the worked example and of every computed one."""
    made = sign(case["path"], Secret(case["key"]), now=case["now"], expires=case["expires"], rand=case["rand"])
    assert made == case["value"]


@pytest.mark.parametrize("case", SIGNS)
def test_url_is_the_documented_one(case: dict[str, Any]) -> None:
    """The parameter comes last, other parameters stay and are not hashed."""
    bare = case["url"].partition("auth_key=")[0].rstrip("?&")
    made = signed(
        bare, Secret(case["key"]), now=case["now"], expires=case["expires"], rand=case["rand"], path=case["path"]
    )
    assert made == case["url"]


@pytest.mark.parametrize("case", SIGNS)
@pytest.mark.parametrize(("late", "reason"), [(-300, ""), (-1, ""), (0, ""), (1, "expired")])
def test_value_is_good_until_its_last_second(case: dict[str, Any], late: int, reason: str) -> None:
    """The timestamp is the expiry itself: good up to and in that second, not a second longer."""
    now = case["now"] + case["expires"] + late
    raw = case["url"].partition("//")[2].partition("/")[2]
    assert verify("/" + raw, [Secret(case["key"])], now=now) == Verdict(ok=not reason, reason=reason)  # type: ignore[arg-type]  # a Reason


@pytest.mark.parametrize("case", [case for case in CASES["signs"] if "also" in case])
def test_both_forms_of_a_path_without_slash_are_good(case: dict[str, Any]) -> None:
    """Whether the sender adds the slash before hashing or not, the receiver takes it."""
    for value in (case["value"], case["also"]):
        for path in (case["path"], "/" + case["path"]):
            assert weigh(path, [value], [Secret(case["key"])], now=case["now"]).ok


@pytest.mark.parametrize("case", CHECKS)
def test_refusal_has_its_reason(case: dict[str, Any]) -> None:
    """Missing, malformed, changed and expired values are refused, each for its reason."""
    query = "" if case["value"] is None else f"?auth_key={case['value']}"
    found = verify(case["path"] + query, [Secret(case["key"])], now=case["now"])
    assert found == Verdict(ok=False, reason=case["reason"])


@pytest.mark.parametrize(
    "query", ["{0}&{0}", "{0}&auth_key=", "auth_key=1&{0}", "{0}&auth%5Fkey=1", "%61uth_key=1&{0}"]
)
def test_two_values_are_refused(query: str) -> None:
    """Two readers could take different ones of them, however the name is spelt."""
    value = target().partition("a&")[2]
    assert verify("/in?" + query.format(value), [KEY], now=NOW).reason == "repeated"


@pytest.mark.parametrize("path", ["/in/", "/IN", "//in", "/x/../in", "/%69n", "/in;x", "", "/"])
def test_path_is_compared_as_it_was_sent(path: str) -> None:
    """Nothing is decoded or tidied: another spelling of the path is another path."""
    assert verify(path + "?" + target().partition("?")[2], [KEY], now=NOW).reason == "mismatch"


def test_chosen_path_replaces_the_one_of_the_request() -> None:
    """Behind a gateway that rewrites paths, the receiver says which one was signed."""
    raw = "/prod" + target()
    assert verify(raw, [KEY], now=NOW).reason == "mismatch"
    assert verify(raw, [KEY], now=NOW, path="/in").ok


def test_each_live_key_is_good() -> None:
    """While a key is replaced, both the old and the new one are taken; a third is not; without keys nothing is."""
    assert verify(target(key=KEY), [OTHER, KEY], now=NOW).ok
    assert verify(target(key=OTHER), [OTHER, KEY], now=NOW).ok
    assert verify(target(key=Secret("third3")), [OTHER, KEY], now=NOW).reason == "mismatch"
    assert verify(target(), [], now=NOW).reason == "mismatch"


def test_leeway_forgives_clocks_that_differ() -> None:
    """An expiry that is past by no more than the leeway is good."""
    assert verify(target(), [KEY], now=NOW + 305, leeway=5).ok
    assert verify(target(), [KEY], now=NOW + 306, leeway=5).reason == "expired"


def test_expiry_further_ahead_than_the_sender_makes_is_refused() -> None:
    """A value that is good for years was not made by a sender whose validity is 300 s."""
    assert verify(target(expires=300), [KEY], now=NOW, longest=300).ok
    assert verify(target(expires=301), [KEY], now=NOW, longest=300).reason == "too far"
    assert verify(target(expires=301), [KEY], now=NOW, longest=300, leeway=1).ok
    assert verify(target(expires=10**9), [KEY], now=NOW).ok


@pytest.mark.parametrize(
    ("expires", "rand"), [(0, "0"), (-5, "0"), (10**10, "0"), (300, "a-b"), (300, ""), (300, "a&b")]
)
def test_what_no_receiver_could_read_is_not_signed(expires: int, rand: str) -> None:
    """An expiry that is past or has 11 digits, and a rand that breaks the parts or the URL."""
    with pytest.raises(ValueError, match="expected"):
        sign("/in", KEY, now=NOW, expires=expires, rand=rand)


@pytest.mark.parametrize(
    "value", ["abc12", "abcdefghij123456789", "abcdef", "123456", "abc-123", "äbc123", "abc123\n", ""]
)
def test_key_that_the_vendor_would_refuse_is_misconfigured(value: str) -> None:
    """The rule is told, the key is not."""
    vault = Vault({"KEY": value or "-"})
    with pytest.raises(Misconfigured, match="6 to 18 letters and digits") as caught:
        private_key("secret://env/KEY", vault)
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize("value", ["abc123", "a1b2c3d4e5f6g7h8i9", "aliyuncdn1234"])
def test_key_of_letters_and_digits_is_taken(value: str) -> None:
    """6 and 18 characters are within the rule."""
    assert private_key("secret://env/KEY", Vault({"KEY": value})).reveal() == value


@settings(max_examples=80)
@given(st.text(max_size=80), st.text(max_size=60))
def test_no_text_upsets_the_check(path: str, value: str) -> None:
    """Whatever is asked, the answer is a verdict, and what was not signed is refused."""
    assert not verify(f"{path}?auth_key={value}", [KEY], now=NOW).ok
    assert not verify(path, [KEY], now=NOW).ok


@settings(max_examples=80)
@given(st.text("abcXYZ019-_.~%/", max_size=40), st.integers(1, 10**6), st.text("09azAZ._~", min_size=1, max_size=64))
def test_what_is_signed_is_good(path: str, expires: int, rand: str) -> None:
    """Any path, hyphens included, comes back as good with its own key and as a mismatch with another."""
    raw = f"/{path}?{signing.NAME}={sign('/' + path, KEY, now=NOW, expires=expires, rand=rand)}"
    assert verify(raw, [KEY], now=NOW).ok
    assert verify(raw, [OTHER], now=NOW).reason == "mismatch"
