"""Owns the promises about signatures: the standard's own library agrees, and nothing else passes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from sixpx.credentials import new_callback_secret
from sixpx.signature import TOLERANCE_SECONDS, Unverified, headers, sign, verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET, OTHER, THIRD = (f"whsec_{base64.b64encode(bytes([one]) * 32).decode()}" for one in (1, 2, 3))
BODY = b'{"a": "\xc3\xa9"}'
ID = "msg_1"


def signed(*secrets: str, body: bytes = BODY, now: datetime = NOW) -> dict[str, str]:
    return headers(secrets, ID, now, body)


def test_the_signature_is_that_of_the_standards_library() -> None:
    ours = sign([SECRET], ID, str(int(NOW.timestamp())), BODY)
    assert ours == Webhook(SECRET).sign(ID, NOW, BODY.decode())


@given(st.binary(min_size=24, max_size=64), st.text(max_size=200), st.integers(1, 99))
def test_the_library_verifies_what_we_sign_and_we_what_it_signs(key: bytes, text: str, number: int) -> None:
    secret, now, id = "whsec_" + base64.b64encode(key).decode(), datetime.now(UTC), f"msg_{number}"
    Webhook(secret).verify(text.encode(), headers([secret], id, now, text.encode()), json_parse=False)
    theirs = {
        "Webhook-Id": id,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(id, now, text),
    }
    verify([secret], theirs, text.encode(), now)


def test_a_fresh_secret_is_one_of_the_standard() -> None:
    secret = new_callback_secret()
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert secret != new_callback_secret()
    verify([secret], signed(secret), BODY, NOW)


def test_each_secret_signs_the_newest_first() -> None:
    both = signed(SECRET, OTHER)["webhook-signature"].split(" ")
    assert both == [signed(one)["webhook-signature"] for one in (SECRET, OTHER)]
    for known in ([SECRET], [OTHER], [THIRD, OTHER]):
        verify(known, signed(SECRET, OTHER), BODY, NOW)


def test_the_library_takes_either_of_two_secrets() -> None:
    now = datetime.now(UTC)
    for known in (SECRET, OTHER):
        assert Webhook(known).verify(BODY, signed(SECRET, OTHER, now=now)) == {"a": "é"}
    with pytest.raises(WebhookVerificationError):
        Webhook(THIRD).verify(BODY, signed(SECRET, OTHER, now=now))


def test_a_signature_of_a_later_version_of_the_standard_is_passed_over() -> None:
    asked = signed(SECRET)
    asked["webhook-signature"] = f"v9,aaaa v1a,?? {asked['webhook-signature']}"
    verify([SECRET], asked, BODY, NOW)


def test_a_secret_without_prefix_or_padding_is_the_same_secret() -> None:
    for written in (SECRET.removeprefix("whsec_"), SECRET.rstrip("=")):
        verify([written], signed(SECRET), BODY, NOW)


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_clocks_may_differ_a_little(seconds: int) -> None:
    verify([SECRET], signed(SECRET), BODY, NOW + timedelta(seconds=seconds))


HARM: Mapping[str, Mapping[str, str]] = {
    "another id": {"webhook-id": "msg_2"},
    "another moment": {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    "no id": {"webhook-id": ""},
    "no moment": {"webhook-timestamp": ""},
    "a moment with a sign": {"webhook-timestamp": "+1"},
    "a moment in other digits": {"webhook-timestamp": "١٢"},
    "a moment of a thousand digits": {"webhook-timestamp": "1" * 1000},
    "no signature": {"webhook-signature": ""},
    "an empty one": {"webhook-signature": "v1,"},
    "one of another version": {"webhook-signature": "v2,AAAA"},
    "one that is no base64": {"webhook-signature": "v1,é!"},
    "one that is not signed at all": {"webhook-signature": "v1"},
}


@pytest.mark.parametrize("harm", HARM)
def test_what_was_changed_is_refused(harm: str) -> None:
    with pytest.raises(Unverified):
        verify([SECRET], {**signed(SECRET), **HARM[harm]}, BODY, NOW)


def test_another_body_secret_or_day_is_refused() -> None:
    for secret, body, now in (
        (SECRET, BODY + b" ", NOW),
        (OTHER, BODY, NOW),
        (SECRET, BODY, NOW + timedelta(seconds=TOLERANCE_SECONDS + 1)),
        (SECRET, BODY, NOW - timedelta(seconds=TOLERANCE_SECONDS + 1)),
    ):
        with pytest.raises(Unverified):
            verify([secret], signed(SECRET), body, now)
    with pytest.raises(Unverified):
        verify([], signed(SECRET), BODY, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_*", "whsec_a"])
def test_what_is_no_secret_is_a_mistake_that_is_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="expected a callback secret") as refused:
        signed(secret)
    assert "*" not in str(refused.value)
