"""ID tokens and logout tokens: what is believed, and everything that is not."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from authlib.oidc.core.util import create_half_hash
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from appliance.directories.id_tokens import (
    LONGEST,
    ExpectedIdToken,
    TokenUnbelievable,
    UnknownKey,
    identity_claims,
    key_set,
    logout_request,
    session_of,
    with_user_info,
)
from tests.single_sign_on.lying import CLIENT, LOGOUT, LyingProvider, forged

ISSUER, NONCE = "https://id.enterprise.example", "nonce-of-the-tests"
EXPECTED = ExpectedIdToken(ISSUER, CLIENT, NONCE)
PROVIDER = LyingProvider(issuer=ISSUER)
PROVIDER.reset()
FAR = 4_102_444_800
"""The year 2100."""

Claims = dict[str, Any]


def judge(token: str, *, access: str = "x", expected: ExpectedIdToken = EXPECTED) -> Claims:
    return identity_claims(token, access, key_set(PROVIDER.keys), expected, now=datetime.now(UTC))


def right(**changed: Any) -> str:
    return PROVIDER.signed(PROVIDER.claims(NONCE, **changed))


def test_a_right_token_says_who_it_is() -> None:
    claims = judge(right(sid="a-session"))
    assert (claims["iss"], claims["sub"], session_of(claims)) == (ISSUER, "sub-of-qin", "a-session")


def test_several_audiences_need_ours_and_an_authorised_party() -> None:
    assert judge(right(aud=[CLIENT, "another"], azp=CLIENT))["azp"] == CLIENT


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.enterprise.example/"},
        {"iss": None},
        {"iss": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 17},
        {"sub": "a\nb"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"]},
        {"aud": []},
        {"aud": None},
        {"aud": {"x": CLIENT}},
        {"azp": "another"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"nonce": None},
        {"nonce": "another"},
        {"nonce": [NONCE]},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 1},
        {"iat": FAR},
        {"nbf": FAR},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"at_hash": 5},
        {"auth_time": "today"},
    ],
    ids="-".join,
)
def test_a_token_with_a_wrong_claim_is_not_believed(changed: Claims) -> None:
    with pytest.raises(TokenUnbelievable) as caught:
        judge(right(**changed))
    assert "another" not in str(caught.value)


def _by_another_key() -> str:
    return PROVIDER.signed(PROVIDER.claims(NONCE), key=RSAKey.generate_key(2048, {"kid": PROVIDER.key.kid or ""}))


def _forged(algorithm: str, sign: Callable[[bytes], bytes], **header: Any) -> str:
    return forged({"alg": algorithm, "kid": PROVIDER.key.kid, **header}, PROVIDER.claims(NONCE), sign)


def _rsa(hashed: hashes.HashAlgorithm) -> Callable[[bytes], bytes]:
    return lambda body: PROVIDER.key.private_key.sign(body, padding.PKCS1v15(), hashed)  # type: ignore[union-attr]


def _by_its_public_key_as_secret(body: bytes) -> bytes:
    return hmac.digest(PROVIDER.key.as_pem(private=False), body, "sha256")


def _with_its_own_key() -> str:
    own = RSAKey.generate_key(2048, auto_kid=True)
    return PROVIDER.signed(PROVIDER.claims(NONCE), key=own, kid=PROVIDER.key.kid, jwk=own.as_dict(private=False))


@pytest.mark.parametrize(
    "token",
    [
        lambda: _forged("none", lambda _: b""),
        lambda: _forged("None", lambda _: b""),
        lambda: _forged("RS256", lambda _: b""),
        lambda: _forged("HS256", _by_its_public_key_as_secret),
        lambda: _forged("RS384", _rsa(hashes.SHA384())),
        lambda: _forged("RS256", _rsa(hashes.SHA256()), crit=["x"], x=1),
        _by_another_key,
        _with_its_own_key,
        lambda: right()[:-4] + "AAAA",
        lambda: right() + "." + right(),
        lambda: "x" * (LONGEST + 1),
        lambda: right(note="x" * LONGEST),
        lambda: "..",
        lambda: "",
        lambda: "吕.吕.吕",
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_not_believed(token: Callable[[], str]) -> None:
    with pytest.raises(TokenUnbelievable):
        judge(token())


def test_what_is_forged_here_would_be_believed_without_its_flaw() -> None:
    assert judge(_forged("RS256", _rsa(hashes.SHA256())))["sub"] == "sub-of-qin"


def test_a_key_that_is_not_shown_is_told_apart() -> None:
    with pytest.raises(UnknownKey):
        judge(PROVIDER.signed(PROVIDER.claims(NONCE), key=RSAKey.generate_key(2048, auto_kid=True)))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("PS256", RSAKey.generate_key(2048, auto_kid=True)),
        ("ES256", ECKey.generate_key("P-256", auto_kid=True)),
        ("EdDSA", OKPKey.generate_key("Ed25519", auto_kid=True)),
    ],
)
def test_other_algorithms_of_the_list_are_believed(algorithm: str, key: RSAKey | ECKey | OKPKey) -> None:
    header = {"alg": algorithm, "kid": key.kid}
    token = jwt.encode(header, PROVIDER.claims(NONCE), key, algorithms=[algorithm])
    keys = key_set([key.as_dict(private=False)])
    assert identity_claims(token, "x", keys, EXPECTED, now=datetime.now(UTC))["sub"] == "sub-of-qin"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_that_are_secret_or_small_or_nonsense_are_passed_over() -> None:
    secret = OctKey.generate_key(256, auto_kid=True).as_dict()
    small = RSAKey.generate_key(1024, auto_kid=True).as_dict(private=False)
    curves = [{"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "Ed9", "x": "AA"}]
    assert key_set([secret, small, {}, {"kty": "RSA", "n": "!", "e": 5}, {"kty": "XYZ"}, *curves]).keys == []


def test_the_access_token_is_the_one_that_came_along() -> None:
    half = create_half_hash("an access token", "RS256").decode()
    assert judge(right(at_hash=half), access="an access token")
    with pytest.raises(TokenUnbelievable):
        judge(right(at_hash=half), access="another one")


def test_the_way_that_is_required_is_the_one_that_was_taken() -> None:
    expected = ExpectedIdToken(ISSUER, CLIENT, NONCE, ("phr", "phrh"))
    assert judge(right(acr="phr"), expected=expected)
    for claims in ({}, {"acr": "0"}, {"acr": ["phr"]}):
        with pytest.raises(TokenUnbelievable, match=r"^acr$"):
            judge(right(**claims), expected=expected)


def test_what_is_said_beside_the_token_is_about_the_same_person() -> None:
    claims = {"sub": "a", "email": "a@mail.example"}
    assert with_user_info(
        claims, {"sub": "a", "name": "A", "email": "b@mail.example", "email_verified": True}
    ) == {
        "sub": "a",
        "name": "A",
        "email": "a@mail.example",
    }
    with pytest.raises(TokenUnbelievable):
        with_user_info(claims, {"sub": "b", "name": "B"})


def logout(**changed: Any) -> str:
    return PROVIDER.signed(PROVIDER.logout_claims(**changed), typ="logout+jwt")


def asked(token: str) -> tuple[str, str]:
    keys = key_set(PROVIDER.keys)
    found = logout_request(token, keys, issuer=ISSUER, client=CLIENT, now=datetime.now(UTC))
    return found.sub, found.sid


def test_a_logout_token_names_somebody_or_a_session() -> None:
    assert asked(logout()) == ("sub-of-qin", "")
    assert asked(logout(sub=None, sid="a-session")) == ("", "a-session")
    assert asked(logout(exp=None)) == ("sub-of-qin", "")


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": None},
        {"nonce": NONCE},
        {"events": None},
        {"events": {}},
        {"events": {LOGOUT: True}},
        {"events": [LOGOUT]},
        {"jti": None},
        {"jti": 1},
        {"jti": "x" * 300},
        {"iat": None},
        {"iat": 1},
        {"exp": 1},
        {"aud": "another"},
        {"iss": "https://id.other.example"},
        {"sid": 5},
    ],
    ids="-".join,
)
def test_a_logout_token_with_a_wrong_claim_is_not_believed(changed: Claims) -> None:
    with pytest.raises(TokenUnbelievable):
        asked(logout(**changed))


def test_no_other_token_is_a_logout_token() -> None:
    with pytest.raises(TokenUnbelievable):
        asked(right())
    with pytest.raises(TokenUnbelievable):
        asked(PROVIDER.signed(PROVIDER.logout_claims(), typ="at+jwt"))
