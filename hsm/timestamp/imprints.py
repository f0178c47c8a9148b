"""MessageImprint (RFC 3161, 2.4.1): the hashes that we take, and the digest inside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hsm import der
from hsm.errors import Malformed

HASHES = {
    "sha256": ("2.16.840.1.101.3.4.2.1", 32),
    "sha384": ("2.16.840.1.101.3.4.2.2", 48),
    "sha512": ("2.16.840.1.101.3.4.2.3", 64),
    "sm3": ("1.2.156.10197.1.401", 32),
}
DEFAULT_HASHES = frozenset({"sha256", "sha384", "sha512"})
_BY_OID = {der.oid(dotted): (name, length) for name, (dotted, length) in HASHES.items()}


class UnacceptableHash(Malformed):
    """A hash algorithm, or parameters of one, that we do not take (badAlg)."""

    code = "unacceptable-hash"


@dataclass(frozen=True, slots=True)
class Imprint:
    """A hash by its lower-case name, and the digest that it gave."""

    hash_name: str
    digest: bytes


def parse_imprint(imprint: bytes, hashes: Collection[str] = tuple(HASHES)) -> Imprint:
    """The hash and digest of a DER MessageImprint.

    Raises :class:`UnacceptableHash` for a hash outside *hashes* or parameters neither absent nor NULL, and
    :class:`Malformed` when it is not DER or the digest has the wrong length.
    """
    usual = _USUAL.get(imprint[:19])
    if usual is not None and len(imprint) == usual[1] + 19 and usual[0] in hashes:
        return Imprint(usual[0], imprint[19:])
    return _parse_unusual(imprint, hashes)


def _parse_unusual(imprint: bytes, hashes: Collection[str]) -> Imprint:
    fields = der.decode(der.MessageImprint, imprint)
    algorithm = [der.raw(part) for part in fields.hash_algorithm]
    if not algorithm or not der.is_oid(algorithm[0]) or len(algorithm) > 2:
        raise Malformed("The hash algorithm of the imprint is not an AlgorithmIdentifier.")
    name, length = _BY_OID.get(algorithm[0], (None, 0))
    if name is None or name not in hashes:
        raise UnacceptableHash(
            "This hash algorithm is not accepted; use one of {known}.", known=", ".join(sorted(hashes))
        )
    if algorithm[1:] not in ([], [der.NULL]):
        raise UnacceptableHash("The hash algorithm has parameters; they must be absent or NULL.")
    if len(fields.hashed_message) != length:
        raise Malformed("The digest does not have the length of its algorithm.")
    return Imprint(name, fields.hashed_message)


def encode_imprint(hash_name: str, digest: bytes) -> bytes:
    """The DER MessageImprint of a *digest*, with NULL parameters. Raises :class:`Malformed` on a wrong length."""
    dotted, length = HASHES[hash_name]
    if len(digest) != length:
        raise Malformed("A {name} digest has {length} bytes.", name=hash_name, length=length)
    algorithm = der.element(der.SEQUENCE, der.oid(dotted), der.NULL)
    return der.element(der.SEQUENCE, algorithm, der.element(der.OCTET_STRING, digest))


def _usual() -> dict[bytes, tuple[str, int]]:
    """What nearly every imprint begins with (NULL parameters and a SHA-2 OID: 19 octets up to the digest)."""
    built = {name: encode_imprint(name, bytes(length)) for name, (_, length) in HASHES.items() if name != "sm3"}
    return {imprint[:19]: (name, HASHES[name][1]) for name, imprint in built.items()}


_USUAL = _usual()
