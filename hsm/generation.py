"""Keys made in the token, with attributes that are read back; wrapping of small secrets by a key in the token."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from hsm.errors import AuthorityError, KeyAttributesRefused, NotPermitted
from hsm.signer import SignatureAlgorithm
from hsm.store.registry import KeyRecord
from hsm.token import TokenConnection

_CURVES = {
    SignatureAlgorithm.ECDSA_SHA256: (KeyType.EC, "secp256r1", Mechanism.EC_KEY_PAIR_GEN),
    SignatureAlgorithm.ECDSA_SHA384: (KeyType.EC, "secp384r1", Mechanism.EC_KEY_PAIR_GEN),
    SignatureAlgorithm.ED25519: (KeyType.EC_EDWARDS, "1.3.101.112", Mechanism.EC_EDWARDS_KEY_PAIR_GEN),
}
_RSA_BITS = 3072
_IV_BYTES, _TAG_BITS = 12, 128


def make_signing_key(token: TokenConnection, subject: str, algorithm: SignatureAlgorithm) -> KeyRecord:
    """Generates a pair for *subject*. Raises :class:`KeyAttributesRefused`; a key with wrong attributes is
    destroyed."""
    with token.login.key_change_lock():
        return token.use(lambda: _make_pair(token, subject, algorithm))


def make_wrapping_key(token: TokenConnection, subject: str) -> KeyRecord:
    """Generates an AES-256 key for *subject*, to be used by :class:`TokenKeyWrapping` alone."""
    with token.login.key_change_lock():
        return token.use(lambda: _make_aes(token, subject))


def destroy_key(token: TokenConnection, label: str) -> None:
    """Deletes both halves of the key from the token and checks that they are gone; a missing key is no error.

    Raises :class:`KeyAttributesRefused` when the token reports success and still holds one.
    """

    def found() -> list[Any]:
        kinds = (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY)
        wanted = ({Attribute.CLASS: kind, Attribute.LABEL: label} for kind in kinds)
        return [each for one in wanted for each in token.session().get_objects(one)]

    def destroy() -> int:
        for each in found():
            each.destroy()
        return len(found())

    with token.login.key_change_lock():
        left = token.use(destroy)
    if left:
        raise KeyAttributesRefused("The token still holds the key {label} after it was destroyed.", label=label)


def _new_label(subject: str) -> str:
    """Never used before, so that an attempt that broke off half-way cannot be mistaken for the key."""
    return f"{subject}.{secrets.token_hex(6)}"


class TokenKeyWrapping:
    """Wraps small secrets (document keys, TOTP secrets) with AES-256-GCM inside the token."""

    def __init__(self, token: TokenConnection, label: Callable[[], str]) -> None:
        """*label* finds the key's when it is needed: before the ceremony there is none."""
        self._token = token
        self._label = label

    def wrap(self, context: str, secret: bytes) -> bytes:
        """*secret*, readable again only under the same *context*: 12 bytes of IV, ciphertext, 16 bytes of tag."""
        initial, label = os.urandom(_IV_BYTES), self._label()

        def encrypt() -> bytes:
            parameters = GCMParams(initial, context.encode(), _TAG_BITS)
            key = self._token.handle(label, ObjectClass.SECRET_KEY)
            return bytes(key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

        return initial + self._token.use(encrypt)

    def unwrap(self, context: str, wrapped: bytes) -> bytes:
        """The secret. Raises :class:`NotPermitted` when it was wrapped for another context or was altered."""
        initial, ciphertext = wrapped[:_IV_BYTES], wrapped[_IV_BYTES:]
        if len(ciphertext) < _TAG_BITS // 8:
            raise self._refusal()
        label = self._label()

        def decrypt() -> bytes | None:
            parameters = GCMParams(initial, context.encode(), _TAG_BITS)
            key = self._token.handle(label, ObjectClass.SECRET_KEY)
            try:
                return bytes(key.decrypt(ciphertext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))
            except (pkcs11.EncryptedDataInvalid, pkcs11.GeneralError):
                # SoftHSM reports a wrong tag as a general error; a token that is really ill fails next time too.
                return None

        secret = self._token.use(decrypt)
        if secret is None:
            raise self._refusal()
        return secret

    @staticmethod
    def _refusal() -> NotPermitted:
        return NotPermitted("This wrapped key is not of this caller and context, or was altered.")


def _make_pair(token: TokenConnection, subject: str, algorithm: SignatureAlgorithm) -> KeyRecord:
    label = _new_label(subject)
    public, private = _generate(
        token.session(),
        algorithm,
        {
            "id": label.encode(),
            "label": label,
            "store": True,
            "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
            "public_template": dict(PUBLIC_KEY),
            "private_template": dict(SIGNING_KEY),
        },
    )
    try:
        found = read_back(private, SIGNING_KEY, label)
        return KeyRecord(label, subject, algorithm.name, _public_key(public, algorithm), found)
    except AuthorityError:
        private.destroy()
        public.destroy()
        raise


def _generate(session: Any, algorithm: SignatureAlgorithm, options: dict[str, Any]) -> tuple[Any, Any]:
    if algorithm is SignatureAlgorithm.RSA_SHA256:
        pair = session.generate_keypair(
            KeyType.RSA, _RSA_BITS, mechanism=Mechanism.RSA_PKCS_KEY_PAIR_GEN, **options
        )
        return pair[0], pair[1]
    kind, curve, mechanism = _CURVES[algorithm]
    parameters = session.create_domain_parameters(
        kind, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
    )
    pair = parameters.generate_keypair(mechanism=mechanism, **options)
    return pair[0], pair[1]


def _public_key(public: Any, algorithm: SignatureAlgorithm) -> bytes:
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    if algorithm is SignatureAlgorithm.RSA_SHA256:
        modulus = int.from_bytes(public[Attribute.MODULUS], "big")
        exponent = int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big")
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    else:
        point = _octets(bytes(public[Attribute.EC_POINT]))
        if algorithm is SignatureAlgorithm.ED25519:
            key = ed25519.Ed25519PublicKey.from_public_bytes(point)
        else:
            curve = ec.SECP256R1() if algorithm is SignatureAlgorithm.ECDSA_SHA256 else ec.SECP384R1()
            key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _octets(point: bytes) -> bytes:
    """CKA_EC_POINT is the point in a DER OCTET STRING (PKCS#11 3.0, 2.3.3); all of ours are under 128 bytes."""
    if len(point) > 2 and point[0] == 0x04 and point[1] == len(point) - 2:
        return point[2:]
    return point


def _make_aes(token: TokenConnection, subject: str) -> KeyRecord:
    label = _new_label(subject)
    key = token.session().generate_key(
        KeyType.AES,
        256,
        id=label.encode(),
        label=label,
        store=True,
        capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
        mechanism=Mechanism.AES_KEY_GEN,
        template=dict(WRAPPING_KEY),
    )
    try:
        return KeyRecord(label, subject, "AES_256", b"", read_back(key, WRAPPING_KEY, label))
    except AuthorityError:
        key.destroy()
        raise


_GUARDED = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.MODIFIABLE: False,
    Attribute.COPYABLE: False,
    Attribute.WRAP_WITH_TRUSTED: False,
}

SIGNING_KEY: Mapping[Attribute, bool] = {
    **_GUARDED,
    Attribute.SIGN: True,
    Attribute.SIGN_RECOVER: False,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
"""A private key that signs and does nothing else."""

WRAPPING_KEY: Mapping[Attribute, bool] = {
    **_GUARDED,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
"""The AES key that wraps data which we hold anyway; it cannot wrap keys out of the token."""

PUBLIC_KEY: Mapping[Attribute, bool] = {Attribute.TOKEN: True, Attribute.MODIFIABLE: False, Attribute.VERIFY: True}
"""The public half, kept in the token so that a restore can be checked against it."""

_PROVEN_BY_TOKEN = {
    Attribute.LOCAL: True,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.NEVER_EXTRACTABLE: True,
}


def read_back(key: Any, demanded: Mapping[Attribute, bool], label: str) -> str:
    """The attributes of a new *key* as JSON, when they are those *demanded* and it never left the token.

    Raises :class:`KeyAttributesRefused` naming the first attribute that differs.
    """
    found: dict[str, bool] = {}
    for attribute, wanted in {**demanded, **_PROVEN_BY_TOKEN}.items():
        value = bool(key[attribute])
        if value is not wanted:
            raise KeyAttributesRefused(
                "The token made the key {label} with {attribute} = {value}; it is not used. Check the module's "
                "configuration.",
                label=label,
                attribute=attribute.name,
                value=value,
            )
        found[attribute.name.lower()] = value
    return json.dumps(found, sort_keys=True)
