"""The token connection on its own: kinds of keys, what is read back, x509 builders signing in the token."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID

from hsm import generation
from hsm.config import AuthorityHome, AuthoritySettings
from hsm.errors import KeyAttributesRefused, ModuleUnavailable, NotPermitted, UnknownKey
from hsm.home import make_home, module_environment
from hsm.initialisation import NewToken, initialise
from hsm.keys import private_key, raw_signer
from hsm.signer import SignatureAlgorithm
from hsm.store import AuthorityStore
from hsm.token import Login, TokenConnection
from hsm.worker_messages import PinChange

LABEL = "a-token"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenConnection]:
    """A new token, logged in; the module is finalised afterwards, as other tests use other tokens."""
    root = tmp_path_factory.mktemp("home")
    make_home(root)
    settings = AuthoritySettings(AuthorityHome(root))
    before = dict(os.environ)
    os.environ.update(module_environment(settings, {}))
    pin = secrets.token_hex(6)
    initialise(settings.token.module, NewToken(LABEL, "12345678", pin), dict(os.environ))
    store = AuthorityStore(settings.home.store)
    opened = TokenConnection(
        settings.token.module, LABEL, Login(LABEL, store.latch, settings.home.login_turns, PinChange(pin))
    )
    yield opened
    opened.drop()
    store.close()
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm), ids=lambda each: each.name)
def test_every_kind_of_key_signs_and_its_public_half_verifies(
    room: TokenConnection, algorithm: SignatureAlgorithm
) -> None:
    made = generation.make_signing_key(room, "somebody", algorithm)

    signature = raw_signer(room, made.label, algorithm)(b"some bytes")

    public = load_der_public_key(made.public_key)
    assert SignatureAlgorithm.from_public_key(public) is algorithm
    if isinstance(public, ec.EllipticCurvePublicKey):
        chosen = hashes.SHA384() if algorithm is SignatureAlgorithm.ECDSA_SHA384 else hashes.SHA256()
        public.verify(signature, b"some bytes", ec.ECDSA(chosen))
    elif isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, b"some bytes", padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ed25519.Ed25519PublicKey)
        public.verify(signature, b"some bytes")


def test_attributes_are_read_back(room: TokenConnection) -> None:
    made = generation.make_signing_key(room, "somebody", SignatureAlgorithm.ECDSA_SHA256)

    found = json.loads(made.attributes)

    assert (found["sensitive"], found["private"], found["sign"]) == (True, True, True)
    assert not any(
        found[name] for name in ("extractable", "modifiable", "copyable", "decrypt", "unwrap", "derive")
    )
    assert (found["local"], found["always_sensitive"], found["never_extractable"]) == (True, True, True)


def test_the_token_keeps_its_keys_to_itself(room: TokenConnection) -> None:
    made = generation.make_signing_key(room, "somebody", SignatureAlgorithm.ECDSA_SHA256)

    def handle() -> Any:
        return room.handle(made.label)

    key = room.use(handle)
    for forbidden in (
        lambda: key[pkcs11.Attribute.VALUE],
        lambda: key.__setitem__(pkcs11.Attribute.EXTRACTABLE, True),
        lambda: key.copy({}),
    ):
        with pytest.raises(pkcs11.PKCS11Error):
            forbidden()


def test_a_key_that_came_out_wrong_is_refused_and_destroyed(
    room: TokenConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = {**generation.SIGNING_KEY, pkcs11.Attribute.COPYABLE: True}
    asked, demanded = weak, generation.SIGNING_KEY
    monkeypatch.setattr(generation, "SIGNING_KEY", asked)
    read_back = generation.read_back
    monkeypatch.setattr(generation, "read_back", lambda key, _, label: read_back(key, demanded, label))
    labels: list[str] = []
    monkeypatch.setattr(generation, "_new_label", lambda subject: labels.append(subject) or "weak.1")

    with pytest.raises(KeyAttributesRefused, match="COPYABLE"):
        generation.make_signing_key(room, "weak", SignatureAlgorithm.ECDSA_SHA256)

    with pytest.raises(UnknownKey):
        room.use(lambda: room.handle("weak.1"))


@pytest.mark.parametrize(
    "algorithm", [SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.ED25519]
)
def test_x509_builders_sign_in_the_token(room: TokenConnection, algorithm: SignatureAlgorithm) -> None:
    made = generation.make_signing_key(room, "issuer", algorithm)
    key = private_key(room, made.label, made.public_key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "签发者示例")])
    now = datetime.now(UTC)

    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None if algorithm is SignatureAlgorithm.ED25519 else hashes.SHA256())
    )

    certificate.verify_directly_issued_by(certificate)


def test_private_halves_stay(room: TokenConnection) -> None:
    made = generation.make_signing_key(room, "issuer", SignatureAlgorithm.ECDSA_SHA256)
    key = private_key(room, made.label, made.public_key)
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    with pytest.raises(NotPermitted):
        key.private_numbers()
    with pytest.raises(NotPermitted):
        key.sign(b"x", ec.ECDSA(hashes.SHA1()))  # noqa: S303 - what must be refused


def test_an_existing_token_is_never_initialised_again(room: TokenConnection) -> None:
    with pytest.raises(ModuleUnavailable, match="exists already"):
        initialise("/usr/lib/softhsm/libsofthsm2.so", NewToken(LABEL, "12345678", "123456"), dict(os.environ))


@pytest.mark.parametrize("label", ["L" * 33, "示例企业有限公司根密钥令牌", "trail "])
def test_a_label_by_which_no_token_would_be_found_makes_none(room: TokenConnection, label: str) -> None:
    with pytest.raises(ModuleUnavailable, match="32 bytes"):
        initialise("/usr/lib/softhsm/libsofthsm2.so", NewToken(label, "12345678", "123456"), dict(os.environ))


def test_a_module_that_is_none_is_unavailable(tmp_path: Path) -> None:
    store = AuthorityStore(tmp_path / "store.db")
    login = Login(LABEL, store.latch, tmp_path / "turns", PinChange("123456"))
    absent = TokenConnection("/nonexistent/module.so", LABEL, login)

    for _ in range(2):
        with pytest.raises(ModuleUnavailable, match="nothing was signed"):
            absent.use(absent.session)
    store.close()
