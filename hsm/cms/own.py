"""Verifying what a known signer has just made, from the finished bytes, before they are given out."""

from __future__ import annotations

import hashlib

from cryptography import x509

from hsm import der
from hsm.cms.model import DIGEST_OIDS, SignatureRefused, identifier_of
from hsm.cms.reading import frame
from hsm.cms.signatures import verify_signature


class OwnMessageCheck:
    """Reads a finished message back for one signer; what has to be in it is computed once."""

    def __init__(self, certificate: x509.Certificate, digest_name: str) -> None:
        self._digest_algorithm = der.element(der.SEQUENCE, der.oid(DIGEST_OIDS[digest_name]))
        self._key = certificate.public_key()
        self._identifier = identifier_of(certificate)
        self._digest_name = digest_name

    def check(self, message: bytes, *, content: bytes | None, digest: bytes, covered: bytes) -> None:
        """Raises :class:`SignatureRefused` unless *message* is whole and its signature verifies.

        *content* is what must be inside (None: detached), *digest* its digest, *covered* the signed attributes.
        """
        signed_data, signer = frame(message)
        # RFC 5652, 5.4: in the message the same attributes are tagged [0].
        attributes = b"\xa0" + covered[1:]
        held = (
            signed_data.encap_content_info.e_content == content
            and (content is None or hashlib.new(self._digest_name, content).digest() == digest)
            and der.element(der.OCTET_STRING, digest) in covered
            and self._identifier + self._digest_algorithm + attributes in message
            and der.raw(signer.sid) == self._identifier
        )
        if not held:
            raise SignatureRefused(
                "The message that was just signed does not hold together; it was not given out."
            )
        verify_signature(
            self._key,
            [der.raw(part) for part in signer.signature_algorithm],
            digest_name=self._digest_name,
            data=covered,
            signature=signer.signature,
        )
