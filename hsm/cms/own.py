"""Verifying what a known signer has just made, from the finished bytes, before they are given out.

The first message out of a template is read and verified whole, as a stranger would. Those that follow have the
same bytes except in three places, and these are verified each time: the digest is the content's, and the signature
over the attributes around the digest is the signer's.
"""

from __future__ import annotations

import hashlib

from cryptography import x509

from hsm import der
from hsm.cms.model import SignatureRefused
from hsm.cms.reading import parse
from hsm.cms.signatures import verify_signature
from hsm.cms.template import MessageTemplate
from hsm.cms.verify import verify
from hsm.errors import Malformed


class OwnMessageCheck:
    """For one signer; raises :class:`SignatureRefused` for a message that may not be given out."""

    def __init__(self, certificate: x509.Certificate, digest_name: str, algorithm: bytes) -> None:
        """*algorithm* is the signature's AlgorithmIdentifier (DER)."""
        self._certificate = certificate
        self._key = certificate.public_key()
        self._algorithm = der.members(algorithm)
        self._digest_name = digest_name

    def verify_whole(self, message: bytes, *, content: bytes | None, digest: bytes) -> None:
        """Reads all of *message*, which must have this *content* (None: detached) and *digest*."""
        try:
            read = parse(message)
        except Malformed as error:
            raise _refused() from error
        if read.content != content:
            raise _refused()
        verify(read, digest=digest if content is None else None, candidates=[self._certificate])

    def verify_filled(self, message: bytes, template: MessageTemplate, *, digest: bytes) -> None:
        """Verifies what is in the *template*, whose other bytes have passed :meth:`verify_whole`."""
        held = message[template.digest] == digest and (
            template.content is None
            or hashlib.new(self._digest_name, message[template.content]).digest() == digest
        )
        if not held:
            raise _refused()
        verify_signature(
            self._key,
            self._algorithm,
            digest_name=self._digest_name,
            data=template.covered(message),
            signature=message[template.signature],
        )


def _refused() -> SignatureRefused:
    return SignatureRefused("The message that was just signed does not hold together; it was not given out.")
