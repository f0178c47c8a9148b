"""What the issuing CAs answer about one certificate (OCSP): nothing to choose, only what the store says."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hsm.errors import BadRequest, CertificateRefused, UnknownKey
from hsm.interface import OcspQuestion, OfCertificate
from hsm.ocsp import names, ocsp_response, read_request, refusal
from hsm.operations.context import AuthorityContext
from hsm.store import CertificateRecord
from hsm.store.registry import ROOT

_LONGEST_REQUEST = 4096


class OcspOperations:
    """Signs OCSP responses with the key of the CA that issued the certificate in question."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def ocsp(self, request: OfCertificate) -> bytes:
        """The response about a certificate of ours (DER). Raises :class:`UnknownKey` for anybody else's."""
        try:
            given = x509.load_der_x509_certificate(request.certificate)
        except ValueError as error:
            raise BadRequest("This is no certificate.") from error
        record = self._context.store.registry.issued(given.serial_number)
        if record.issuer == ROOT:
            raise CertificateRefused("The root answers by its revocation list alone.")
        return self._response(record, None)

    def ocsp_reply(self, question: OcspQuestion) -> bytes:
        """The answer to a request (RFC 6960) of whoever sent it, always one of that standard: malformedRequest for
        what is none, unauthorized for what none of our issuing CAs has issued."""
        request = question.request
        read = read_request(request) if len(request) <= _LONGEST_REQUEST else None
        if read is None:
            return refusal(malformed=True)
        try:
            record = self._context.store.registry.issued(read.serial_number)
        except UnknownKey:
            return refusal(malformed=False)
        if record.issuer == ROOT or not names(read, record.certificate, self._context.certificate(record.issuer)):
            return refusal(malformed=False)
        return self._response(record, read.hash_algorithm)

    def _response(self, record: CertificateRecord, algorithm: hashes.HashAlgorithm | None) -> bytes:
        context, serial = self._context, record.certificate.serial_number
        return ocsp_response(
            context.issuer_named(record.issuer),
            record.certificate,
            revocation=context.store.registry.revocation(serial),
            now=context.now(),
            lifetime=timedelta(days=context.settings.certificates.crl_days),
            algorithm=algorithm,
        )
