"""The verifier as the rest uses it: bytes or a file in, a report out, whatever the bytes are.

Certificates that a reader names for one verification are believed beside the verifier's own, and said so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.confinement.frames import decode
from appliance.confinement.pool import Confinement
from appliance.errors import ConfigurationError, ConfinementFailed
from appliance.verification.model import FileKind, SubIndication, VerificationReport, undecided
from appliance.verification.trust import UNREADABLE, TrustAnchors, shown_name
from hsm import der
from hsm.errors import Sentence

Trust = TrustAnchors | Sequence[x509.Certificate] | None
"""Whom to believe instead of a verifier's own anchors; None for these."""

LARGEST_FILE = 512 * 1024 * 1024
MOST_SECONDS = 5
"""Of processor time for one verdict. A contract of 300 pages with four signatures takes a twentieth of a second;
the time on the clock has a limit of its own, since other processes have their share of it."""
_TIMEOUT = 60.0
_CONFINED = {
    "processor": Sentence(
        "The file takes more than {seconds} seconds of processor time to verify, which is the limit; it may be"
        " built to exhaust its readers.",
        {"seconds": MOST_SECONDS},
    ),
    "timeout": Sentence(
        "The file could not be verified in the time allowed; it may be built to exhaust its readers."
    ),
    "memory": Sentence("The file needs more memory than is allowed; it may be built to exhaust its readers."),
    "recursion": Sentence("The file is nested more deeply than is allowed."),
    "crashed": Sentence("The file brought its reader down; it is damaged or hostile."),
    "output": Sentence("The file made its reader answer something that is no report; it is damaged or hostile."),
    "error": Sentence("The file is not well-formed, and its reader could not make sense of it."),
}


class EvidenceVerification(Protocol):
    """Judges an evidence package (``appliance.evidence.verification``); never raises for its content."""

    def __call__(
        self, package: bytes | Path, *, verifier: Verifier, at: datetime, anchors: TrustAnchors
    ) -> VerificationReport:
        """The verdict about the ZIP bytes *package*, or about the folder in which one lies unpacked."""


class Verifier:
    """Verifies files as strangers would. Thread-safe. Nothing is fetched.

    *anchors* are believed unless a call brings its own; *crls* gives revocation lists (DER) that are at hand
    when a call comes, such as the appliance's own current ones; *clock* is what "now" means.
    """

    def __init__(
        self,
        confinement: Confinement,
        anchors: TrustAnchors | Sequence[x509.Certificate],
        *,
        evidence: EvidenceVerification | None = None,
        crls: Callable[[], Sequence[bytes]] = tuple,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._confinement = confinement
        self._anchors = anchors if isinstance(anchors, TrustAnchors) else TrustAnchors(tuple(anchors))
        self._evidence = evidence
        self._crls = crls
        self._clock = clock

    def today(self) -> date:
        """The day by the clock of this verifier, UTC: how long a verdict may be remembered."""
        return self._clock().astimezone(UTC).date()

    def trusting(self, more: TrustAnchors) -> Verifier:
        """A verifier that believes *more* beside its own anchors, for a reader who names somebody."""
        own = self._anchors
        anchors = replace(
            own,
            certificates=(*own.certificates, *more.certificates),
            crls=(*own.crls, *more.crls),
            apart=(*own.apart, *more.apart),
        )
        return Verifier(self._confinement, anchors, evidence=self._evidence, crls=self._crls, clock=self._clock)

    def verify_file(
        self, path: Path, *, data: bytes | None = None, at: datetime | None = None, trust: Trust = None
    ) -> VerificationReport:
        """Verify the file at *path*: a PDF, a timestamp reply or token, or an evidence package.

        *data* is what a timestamp was taken of; *at* the moment to judge for (now); *trust* replaces the anchors.
        What cannot be read, or is nothing of the three, is INDETERMINATE with the reason.
        """
        try:
            if path.is_file() and path.stat().st_size > LARGEST_FILE:
                return self._unreadable(path.name, at, Sentence("The file is too large to be verified."))
            content = path.read_bytes()
        except OSError as error:
            reason = Sentence("The file cannot be read: {detail}.", {"detail": error.strerror or "unknown error"})
            return self._unreadable(path.name, at, reason)
        return self.verify(content, file=path.name, data=data, at=at, trust=trust)

    def verify_folder(
        self, folder: Path, *, at: datetime | None = None, trust: Trust = None
    ) -> VerificationReport:
        """The unpacked evidence package in *folder*, by its contents, as :meth:`verify_file` judges its ZIP."""
        report = self._verify_evidence(folder, at=at, trust=trust)
        return replace(report, file=folder.resolve().name if folder.name in ("", "..") else folder.name)

    def verify(
        self,
        content: bytes,
        *,
        file: str = "",
        data: bytes | None = None,
        at: datetime | None = None,
        trust: Trust = None,
    ) -> VerificationReport:
        """Like :meth:`verify_file` for bytes at hand; *file* is the name that the report shows."""
        kind = kind_of(content)
        if kind is FileKind.EVIDENCE:
            report = self._verify_evidence(content, at=at, trust=trust)
        elif kind is FileKind.TIMESTAMP:
            report = self.verify_timestamp(content, data=data, at=at, trust=trust)
        elif kind is FileKind.PDF:
            report = self.verify_pdf(content, at=at, trust=trust)
        else:
            return self._unreadable(file, at, why_unknown(content))
        return replace(report, file=file)

    def verify_pdf(
        self, document: bytes, *, at: datetime | None = None, trust: Trust = None, readers: int = 1
    ) -> VerificationReport:
        """Every signature and document timestamp of a PDF, then the document.

        *readers* may be brought down before that is held against the document: more than one for a document of
        our own making, whose reader something else will have ended (no memory left, say).
        """
        return self._verify_pdf(document, at, trust, readers, verified=0)

    def verify_increment(
        self,
        base_digest: str,
        base: bytes,
        new: bytes,
        *,
        at: datetime | None = None,
        trust: Trust = None,
        readers: int = 1,
    ) -> VerificationReport:
        """The report about *new*, whose beginning *base* is known to be TOTAL-PASSED.

        *base_digest* is the SHA-256 (in hex) of the file about which :meth:`verify_pdf` or this method said so,
        as the caller has it on record. The report is the one that :meth:`verify_pdf` would make: every signature
        is checked, but only what came after *base* is searched for changes, and no page is rendered. What needs
        more than that is verified in full: a *base* with another digest, a *new* that does not begin with it,
        and new revisions that do anything but fill signature fields of *base*.
        """
        known = new.startswith(base) and hashlib.sha256(base).hexdigest() == base_digest
        return self._verify_pdf(new, at, trust, readers, verified=len(base) if known else 0)

    def _verify_pdf(
        self, document: bytes, at: datetime | None, trust: Trust, readers: int, *, verified: int
    ) -> VerificationReport:
        while True:
            report = self._run("verification.pdf", FileKind.PDF, at, trust, document=document, verified=verified)
            readers -= 1
            if readers < 1 or report.verdict.reasons != (_CONFINED["crashed"],):
                return report

    def verify_timestamp(
        self,
        token_or_reply: bytes,
        *,
        data: bytes | None = None,
        nonce: int | None = None,
        at: datetime | None = None,
        trust: Trust = None,
    ) -> VerificationReport:
        """An RFC 3161 token or reply; without *data* it cannot be passed, and says so. *nonce*: the one that was
        sent, which the token must then carry."""
        arguments = {"encoded": token_or_reply, "data": data, "nonce": None if nonce is None else str(nonce)}
        return self._run("verification.timestamp", FileKind.TIMESTAMP, at, trust, **arguments)

    def _verify_evidence(self, package: bytes | Path, *, at: datetime | None, trust: Trust) -> VerificationReport:
        moment = at or self._clock()
        if self._evidence is None:
            reason = Sentence("Evidence packages are not verified here.")
            return _refused(FileKind.EVIDENCE, moment, SubIndication.SIGNED_DATA_NOT_FOUND, reason)
        return self._evidence(package, verifier=self, at=moment, anchors=self._trusted(trust))

    def _trusted(self, trust: Trust) -> TrustAnchors:
        chosen = self._anchors if trust is None else trust
        given = chosen if isinstance(chosen, TrustAnchors) else TrustAnchors(tuple(chosen))
        return replace(given, crls=(*given.crls, *self._crls()))

    def _run(
        self, job: str, kind: FileKind, at: datetime | None, trust: Trust, **arguments: Any
    ) -> VerificationReport:
        moment = at or self._clock()
        arguments["circumstances"] = self._trusted(trust).at(moment)
        try:
            answer = self._confinement.run(job, arguments, timeout=_TIMEOUT, processor=MOST_SECONDS)
            return decode(VerificationReport, answer)
        except ConfinementFailed as failure:
            cause = str(failure.values.get("cause", ""))
            if cause == "unavailable":
                raise
            reason = _CONFINED.get(cause, _CONFINED["error"])
        except ValueError:
            reason = _CONFINED["output"]
        return _refused(kind, moment, SubIndication.GENERIC, reason)

    def _unreadable(self, file: str, at: datetime | None, reason: Sentence) -> VerificationReport:
        report = _refused(FileKind.PDF, at or self._clock(), SubIndication.GENERIC, reason)
        return replace(report, file=file)


def _refused(kind: FileKind, at: datetime, subindication: SubIndication, reason: Sentence) -> VerificationReport:
    return VerificationReport("", kind, undecided(subindication, reason), at)


_PDF_HEADER_WITHIN = 1024  # ISO 32000-1, annex H.3.4.1: readers look this far for the header
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PEM = b"-----BEGIN "


def kind_of(content: bytes) -> FileKind | None:
    """The kind of *content*, or None when it is none of the three, or two at once."""
    if content[:4] in _ZIP:
        return None if b"%PDF-" in content[:_PDF_HEADER_WITHIN] else FileKind.EVIDENCE
    if b"%PDF-" in content[:_PDF_HEADER_WITHIN] or b"/ByteRange" in content:
        return FileKind.PDF  # a signed PDF whose header was damaged is still a damaged signed PDF
    if content[:1] == bytes((der.SEQUENCE,)):
        return FileKind.TIMESTAMP
    return None


def why_unknown(content: bytes) -> Sentence:
    """The sentence for a file of no known kind."""
    if not content:
        return Sentence("The file is empty.")
    if content[:4] in _ZIP:
        return Sentence(
            "The file is a ZIP and a PDF at once: programs show different things of it. Ask the sender for the"
            " evidence package as it was made."
        )
    if content.startswith(_PEM):
        return Sentence("The file is PEM text; give the PDF, the timestamp in DER, or the evidence package.")
    return Sentence("The file is neither a PDF nor a timestamp nor an evidence package.")


LARGEST = 1024 * 1024
"""Bytes of all files with certificates together."""
MOST = 50


def named_anchors(files: Sequence[bytes]) -> TrustAnchors:
    """What a reader named, in files in PEM (several in one) or DER; empty for most. Raises
    :class:`ConfigurationError` with one sentence."""
    if sum(map(len, files)) > LARGEST:
        raise ConfigurationError(
            "The files with certificates have more than {limit} bytes; name only those of the issuers that "
            "you trust.",
            limit=LARGEST,
        )
    anchors = TrustAnchors.from_bytes(*files)
    try:
        named = [shown_name(each) for each in anchors.certificates[: MOST + 1]]
    except UNREADABLE:
        named = []
    if files and not named:
        raise ConfigurationError(
            "The trust file holds no certificate in PEM or DER; give the certificate of a CA or of a signer."
        )
    if len(named) > MOST:
        raise ConfigurationError(
            "More than {limit} certificates were named; name only those of the issuers that you trust.", limit=MOST
        )
    return anchors


def verify_trusting(
    verifier: Verifier, named: TrustAnchors, content: bytes, file: str, data: bytes | None = None
) -> VerificationReport:
    """The report of *verifier* about *content*, with a remark on each certificate that a reader *named*: whether
    the verdict rests on it."""
    report = (verifier.trusting(named) if named.certificates else verifier).verify(content, file=file, data=data)
    used = {each.path[-1].fingerprint for each in report.signatures if each.path}
    remarks = tuple(_remark(each, used) for each in named.certificates)
    return replace(report, remarks=(*remarks, *report.remarks))


def _remark(certificate: x509.Certificate, used: Iterable[str]) -> Sentence:
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    values = {"name": shown_name(certificate), "fingerprint": fingerprint}
    if fingerprint in used:
        return Sentence(
            "This verdict rests on a certificate that you named: {name} (SHA-256 {fingerprint}). Whether it is "
            "genuine was not verified here.",
            values,
        )
    return Sentence(
        "No signature leads to the certificate that you named: {name} (SHA-256 {fingerprint}); a timestamp may.",
        values,
    )
