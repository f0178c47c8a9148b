"""Signature values: weak hashes and keys, and the edge cases of ECDSA, PKCS#1 v1.5, PSS and Ed25519."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from asn1crypto import algos, cms, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.attacks.recipes import Recipe
from tests.attacks.registry import CRYPTO, FORMAT, WEAK, attack, register
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import Profile, issue

_FAMILY = "cryptography"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
RSA = issue(Profile("RSA signer", rsa_bits=2048), GOOD.issuing)


class _Pair(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    _fields = [("r", core.Integer), ("s", core.Integer)]  # noqa: RUF012 - its way of declaring


def _pair(r: int, s: int) -> bytes:
    return bytes(_Pair({"r": r, "s": s}).dump())


def _honest(data: bytes) -> tuple[int, int]:
    assert isinstance(GOOD.signer.key, ec.EllipticCurvePrivateKey)
    value = _Pair.load(GOOD.signer.key.sign(data, ec.ECDSA(hashes.SHA256())))
    return value["r"].native, value["s"].native


def _padded(data: bytes) -> bytes:
    """The first number with a zero more than it needs."""
    r, s = (core.Integer(each).dump() for each in _honest(data))
    r = b"\x02" + bytes((r[1] + 1,)) + b"\0" + r[2:]
    return b"\x30" + bytes((len(r) + len(s),)) + r + s


def _raw(data: bytes) -> bytes:
    r, s = _honest(data)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


_ECDSA: dict[str, Callable[[bytes], bytes]] = {
    "r = 0": lambda data: _pair(0, _honest(data)[1]),
    "s = 0": lambda data: _pair(_honest(data)[0], 0),
    "r = s = 0": lambda data: _pair(0, 0),
    "r = s = 1": lambda data: _pair(1, 1),
    "r = s = order": lambda data: _pair(_ORDER, _ORDER),
    "r + order": lambda data: _pair(_honest(data)[0] + _ORDER, _honest(data)[1]),
    "s + order": lambda data: _pair(_honest(data)[0], _honest(data)[1] + _ORDER),
    "r negative": lambda data: _pair(-_honest(data)[0], _honest(data)[1]),
    "s negative": lambda data: _pair(_honest(data)[0], -_honest(data)[1]),
    "r and s exchanged": lambda data: _pair(*reversed(_honest(data))),
    "r padded": _padded,
    "r and s without their frame": _raw,
    "bytes after it": lambda data: _pair(*_honest(data)) + b"\0",
    "long form of a short length": lambda data: b"\x30\x81" + _pair(*_honest(data))[1:],
    "indefinite length": lambda data: b"\x30\x80" + _pair(*_honest(data))[2:] + b"\0\0",
    "nothing": lambda data: b"",
    "zeros": lambda data: bytes(70),
    "of other data": lambda data: _pair(*_honest(data + b"x")),
    "of an empty message": lambda data: _pair(*_honest(b"")),
}
for _name, _value in _ECDSA.items():
    register(_FAMILY, f"ECDSA: {_name}", lambda value=_value: signed_by_hand(Recipe(value=value)), CRYPTO, FORMAT)


# PKCS#1 v1.5: the padding must be all of it, and nothing else (RFC 8017, 9.2)

_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201 0420".replace(" ", ""))
_OF_SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")


def _raised(block: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The private operation on a block of any form."""
    numbers = key.private_numbers()
    size = key.key_size // 8
    message = int.from_bytes(block, "big")
    return pow(message, numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


def _block(
    info: bytes, data: bytes, *, kind: bytes = b"\x01", filling: bytes = b"\xff", name: str = "sha256"
) -> bytes:
    content = info + hashlib.new(name, data).digest()
    return b"\0" + kind + filling * (256 - 3 - len(content)) + b"\0" + content


def _short(data: bytes, *, behind: bool) -> bytes:
    """Eight bytes of padding, and the rest of the room after the digest, or before it."""
    content = _INFO + hashlib.sha256(data).digest()
    room = bytes(256 - 3 - 8 - len(content))
    return b"\0\x01" + b"\xff" * 8 + b"\0" + (content + room if behind else room + content)


def _rsa(block: Callable[[bytes], bytes]) -> bytes:
    key = RSA.key
    assert isinstance(key, rsa.RSAPrivateKey)
    return signed_by_hand(Recipe(signer=RSA, value=lambda data: _raised(block(data), key)))


_PKCS1: dict[str, Callable[[bytes], bytes]] = {
    "padding of zeros": lambda data: _block(_INFO, data, filling=b"\0"),
    "padding of the other type": lambda data: _block(_INFO, data, kind=b"\x02"),
    "padding of type 0": lambda data: _block(_INFO, data, kind=b"\0", filling=b"\0"),
    "short padding, rubbish behind": partial(_short, behind=True),
    "short padding, rubbish before": partial(_short, behind=False),
    "no digest info": lambda data: _block(b"", data),
    "digest info of SHA-1": lambda data: _block(_OF_SHA1, data, name="sha1"),
    "digest info of another hash": lambda data: _block(_OF_SHA1, data),
    "of other data": lambda data: _block(_INFO, data + b"x"),
    "one byte of padding wrong": lambda data: _block(_INFO, data).replace(b"\xff\xff", b"\xff\xfe", 1),
}
for _name, _form in _PKCS1.items():
    register(_FAMILY, f"PKCS#1: {_name}", partial(_rsa, _form), CRYPTO)


def _lengthened(change: Callable[[bytes, int], bytes]) -> bytes:
    key = RSA.key
    assert isinstance(key, rsa.RSAPrivateKey)
    modulus = key.public_key().public_numbers().n

    def value(data: bytes) -> bytes:
        return change(key.sign(data, padding.PKCS1v15(), hashes.SHA256()), modulus)

    return signed_by_hand(Recipe(signer=RSA, value=value))


_VALUES: dict[str, Callable[[bytes, int], bytes]] = {
    "0": lambda value, modulus: bytes(256),
    "1": lambda value, modulus: bytes(255) + b"\x01",
    "the modulus": lambda value, modulus: modulus.to_bytes(256, "big"),
    "the modulus less one": lambda value, modulus: (modulus - 1).to_bytes(256, "big"),
    "plus the modulus": lambda value, modulus: (int.from_bytes(value, "big") + modulus).to_bytes(257, "big"),
    "a zero before it": lambda value, modulus: b"\0" + value,
    "a zero after it": lambda value, modulus: value + b"\0",
    "a byte short": lambda value, modulus: value[:-1],
    "empty": lambda value, modulus: b"",
    "reversed": lambda value, modulus: value[::-1],
}
for _name, _change in _VALUES.items():
    register(_FAMILY, f"RSA value: {_name}", partial(_lengthened, _change), CRYPTO)


@attack(_FAMILY, "PKCS#1: cube root, no key needed (exponent 3)", CRYPTO)
def cube_root() -> bytes:
    """Bleichenbacher's forgery: the digest near the front, any rubbish behind, and a root taken of it."""
    key = rsa.generate_private_key(3, 2048)
    signer = issue(Profile("Exponent 3", key=key), GOOD.issuing)

    def value(data: bytes) -> bytes:
        content = b"\0\x01" + b"\xff" * 8 + b"\0" + _INFO + hashlib.sha256(data).digest()
        low = int.from_bytes(content + bytes(256 - len(content)), "big")
        root = _cube_root(low) + 1
        return root.to_bytes(256, "big")

    return signed_by_hand(Recipe(signer=signer, value=value))


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low


# weak, unknown and mismatched algorithms

for _digest, _signer in (("md5", RSA), ("sha1", RSA), ("sha1", GOOD.signer)):
    register(
        _FAMILY,
        f"{_digest.upper()}, {'RSA' if _signer is RSA else 'ECDSA'}",
        lambda digest=_digest, signer=_signer: signed_by_hand(Recipe(signer=signer, digest=digest)),
        WEAK,
        says="no longer protects",
    )
for _signature in ("rsassa_pkcs1v15", "sha256_rsa", "sha256_dsa", "ed25519", "sha1_ecdsa", "sha512_ecdsa"):
    register(
        _FAMILY,
        f"ECDSA signature called {_signature}",
        lambda name=_signature: signed_by_hand(Recipe(signature=name)),
        CRYPTO,
    )
for _signature in ("sha256_ecdsa", "sha1_rsa", "md5_rsa", "sha512_rsa", "rsassa_pss", "sha256_dsa"):
    register(
        _FAMILY,
        f"RSA signature called {_signature}",
        lambda name=_signature: signed_by_hand(Recipe(signer=RSA, signature=name)),
        CRYPTO,
        FORMAT,
    )


def _odd_pss(signed: cms.SignedData) -> None:
    odd = {"algorithm": "sha512_256"}
    parameters = algos.RSASSAPSSParams(
        {"hash_algorithm": odd, "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": odd}}
    )
    signed["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm(
        {"algorithm": "rsassa_pss", "parameters": parameters}
    )


def _pss(salt: int, stated: int, *, weak: bool = False) -> bytes:
    """PSS with a salt of *salt* bytes whose parameters state *stated*; with none, they mean SHA-1."""
    key = RSA.key
    assert isinstance(key, rsa.RSAPrivateKey)
    algorithm = hashes.SHA1() if weak else hashes.SHA256()  # noqa: S303 - what is tested

    def finish(signed: cms.SignedData) -> None:
        name = "sha1" if weak else "sha256"
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": name}),
                "mask_gen_algorithm": algos.MaskGenAlgorithm(
                    {"algorithm": "mgf1", "parameters": algos.DigestAlgorithm({"algorithm": name})}
                ),
                "salt_length": stated,
            }
        )
        signed["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm(
            {"algorithm": "rsassa_pss", "parameters": parameters}
        )

    def value(data: bytes) -> bytes:
        return key.sign(data, padding.PSS(padding.MGF1(algorithm), salt), algorithm)

    return signed_by_hand(Recipe(signer=RSA, value=value, finish=finish, signature="rsassa_pss"))


register(_FAMILY, "PSS: another salt length", partial(_pss, 32, 20), CRYPTO)
register(_FAMILY, "PSS: huge salt length", partial(_pss, 32, 100000), CRYPTO)
register(
    _FAMILY,
    "PSS with hashes that nobody knows here",
    lambda: signed_by_hand(Recipe(signer=RSA, finish=_odd_pss)),
    CRYPTO,
)
register(_FAMILY, "PSS with SHA-1", partial(_pss, 20, 20, weak=True), WEAK, CRYPTO)


def _edwards(change: Callable[[bytes], bytes]) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = issue(Profile("Edwards", key=key), GOOD.issuing)  # type: ignore[arg-type]  # one more kind of key
    return signed_by_hand(
        Recipe(signer=signer, digest="sha512", signature="ed25519", value=lambda data: change(key.sign(data)))
    )


_GROUP = 2**252 + 27742317777372353535851937790883648493


def _plus_group(value: bytes) -> bytes:
    return value[:32] + (int.from_bytes(value[32:], "little") + _GROUP).to_bytes(32, "little")


register(_FAMILY, "Ed25519: s plus the group's order", partial(_edwards, _plus_group), CRYPTO, FORMAT)
register(_FAMILY, "Ed25519: zeros", partial(_edwards, lambda value: bytes(64)), CRYPTO, FORMAT)
register(_FAMILY, "Ed25519: too long", partial(_edwards, lambda value: value + b"\0"), CRYPTO, FORMAT)
