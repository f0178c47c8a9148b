"""PDFs that other software hands in, to get the signature within (PAdES): prepared, and completed once signed.

A document that is signed already is extended by revisions alone, and refused where its signatures allow no more.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from appliance.contracts.dependencies import SigningBackend
from appliance.contracts.finalisation import Archiving, wait_until_after
from appliance.earlier_signatures import require_unbroken
from appliance.errors import ConfinementFailed, PreconditionRefused, ResultRefused
from appliance.model.people import Person
from appliance.model.remote_signing import PdfLevel, PdfOrder, PreparedPdf, RemoteRequest
from appliance.pdf.values import FieldPlacement, PersonAppearance, PreparedRevision, PrepareOrder
from appliance.pdf.workshop import whole_revision
from appliance.verification import Indication
from appliance.verification.model import Level, SignatureReport
from hsm.errors import TimeNotAvailable
from hsm.remote import RemoteDocument, RemoteSigning

_ENOUGH: Final = {
    PdfLevel.B: frozenset(Level),
    PdfLevel.T: frozenset(Level) - {Level.B},
    PdfLevel.LT: frozenset({Level.LTA}),
    PdfLevel.LTA: frozenset({Level.LTA}),
}


class PdfSignatures:
    """Thread-safe. Saves nothing itself."""

    def __init__(self, backend: SigningBackend, now: Callable[[], datetime]) -> None:
        self._backend = backend
        self._archiving = Archiving(backend)
        self._now = now

    def prepare(
        self, document: bytes, order: PdfOrder, label: str, person: Person
    ) -> tuple[bytes, PreparedPdf, RemoteDocument]:
        """*document* with an invisible signature field and an empty signature of *person* in it, what is to be
        known of it, and what is activated.

        Raises :class:`appliance.errors.DocumentRefused` for what intake refuses, for a document whose signatures
        are broken or allow no more, and for one that could show anything else once it is signed;
        :class:`PreconditionRefused` where a signed document is to be certified.
        """
        workshop, now = self._backend.workshop, self._now()
        if workshop.inspect(document).signatures:
            if order.certifies:
                raise PreconditionRefused("A document that is signed already cannot be certified any more.")
            require_unbroken(self._backend.verifier, document)
        field = f"Signature-{secrets.token_hex(4)}"
        base = workshop.add_fields(document, [FieldPlacement(field, 0, 0, 0, 0, 0, invisible=True)])
        look = PersonAppearance(person.name, now, person.zone, person.organisation, language=person.language)
        made = workshop.prepare(base, PrepareOrder(field, look, now, certify=order.certifies))
        workshop.require_plain_gap(made, base=len(base), field=field)
        prepared = PreparedPdf(hashlib.sha256(document).hexdigest(), order, len(base), made.contents)
        return made.document, prepared, RemoteDocument(made.digest, label, shown=True, field=field)

    def prepared(self, request: RemoteRequest, pdf: PreparedPdf, content: bytes) -> PreparedRevision:
        """The revision that waits in the *content* of *request*, whose *pdf* it is.

        Raises :class:`ResultRefused` for any other bytes than those that its person activates, and
        :class:`TimeNotAvailable` where the signature could not be dated once their activation is used up.
        """
        clock = self._backend.authority.status().clock
        if pdf.order.level is not PdfLevel.B and not clock.trusted:
            raise TimeNotAvailable(clock.sentence.template, **clock.sentence.values)
        [document] = request.signing.documents
        start, length = pdf.gap
        try:
            found = whole_revision(content, pdf.base, start, start + length)
        except ConfinementFailed as error:
            raise _other() from error
        if found.digest != document.digest:
            raise _other()
        return found

    def complete(
        self, signing: RemoteSigning, level: PdfLevel, prepared: PreparedRevision, message: bytes
    ) -> bytes:
        """The signed document, at the level that was asked for: *message* (CMS, DER) is in its place, dated, and
        the archive revision after it.

        Raises :class:`ResultRefused` for a document that does not pass our own verifier, and what the timestamp
        service refuses.
        """
        backend = self._backend
        if level is PdfLevel.B:
            document = backend.workshop.embed(prepared, message)
        else:
            dated, at = backend.timestamps.stamp(message)
            document = backend.workshop.embed(prepared, dated)
            if level.is_archived:
                wait_until_after(at, self._now)
                signer = backend.authority.certificate(signing.key)
                document = self._archiving.extend(document, self._archiving.first_material([signer])).document
        self._require_signed(document, signing.documents[0].field, level)
        return document

    def _require_signed(self, document: bytes, field: str, level: PdfLevel) -> None:
        """The signature in *field* holds at its *level*, and nothing that was signed before is broken by it."""
        report = self._backend.verifier.verify_pdf(document)
        own = [each for each in report.signatures if each.field == field]
        broken = [each for each in report.signatures if each.verdict.indication is Indication.FAILED]
        if broken or report.indication is Indication.FAILED:
            raise _failed("; ".join(report.reasons) or _why(broken))
        if len(own) != 1 or not own[0].passed or own[0].level not in _ENOUGH[level]:
            raise _failed(_why(own))


def _why(found: list[SignatureReport]) -> str:
    reasons = [str(reason) for each in found for reason in each.verdict.reasons]
    return "; ".join(reasons) or ", ".join(str(each.level) for each in found) or "–"


def _failed(why: str) -> ResultRefused:
    return ResultRefused(
        "The signed document does not pass our own verifier ({why}); nothing was given out.", why=why
    )


def _other() -> ResultRefused:
    return ResultRefused("The document is no longer the one that was asked for; nothing was signed.")
