"""The validation report of ETSI TS 119 102-2 (V1.2.1, whose elements are those of V1.4.1 too): XML for programs of
others, about each signature, document timestamp or timestamp token of one file.

Certificates are there whole, timestamps and signed bytes by their digests. What the schema has no place for (what
came after the signature, how much of the file it covers, the reasons) is in ``AdditionalValidationReportData``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from appliance.errors import ApplianceError
from appliance.language import Language, translator
from appliance.verification.model import (
    CertificateDetails,
    ContentDigest,
    FileKind,
    Indication,
    Level,
    SignatureReport,
    StampReport,
    SubIndication,
    Verdict,
    VerificationReport,
    worst,
)

NAMESPACE: Final = "http://uri.etsi.org/19102/v1.2.1#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_INDICATIONS: Final = {
    Indication.PASSED: "urn:etsi:019102:mainindication:total-passed",
    Indication.FAILED: "urn:etsi:019102:mainindication:total-failed",
    Indication.INDETERMINATE: "urn:etsi:019102:mainindication:indeterminate",
}
_OURS: Final = "urn:vermilion:report:"
_SUB_INDICATION: Final = "urn:etsi:019102:subindication:"
_OBJECT: Final = "urn:etsi:019102:validationObject:"
_PROCESS: Final = "urn:etsi:019102:validationprocess:"
_BY_VALIDATION: Final = "urn:etsi:019102:poetype:validation"
_PROVIDED: Final = "urn:etsi:019102:poetype:provided"
_DIGESTS: Final = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha224": "http://www.w3.org/2001/04/xmldsig-more#sha224",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
    "sha3_256": "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
    "sha3_384": "http://www.w3.org/2007/05/xmldsig-more#sha3-384",
    "sha3_512": "http://www.w3.org/2007/05/xmldsig-more#sha3-512",
    "md5": "http://www.w3.org/2001/04/xmldsig-more#md5",
}
"""RFC 9231, 2.1, by the names of hashlib."""


class NoValidationReport(ApplianceError, code="no-validation-report"):
    """There is nothing that a validation report of TS 119 102-2 could be about."""


def render_xml(report: VerificationReport, language: Language = Language.ENGLISH) -> bytes:
    """The validation report as XML in UTF-8; reasons in *language*.

    Raises :class:`NoValidationReport` for an evidence package, whose verdict is about more than signatures.
    """
    if report.kind is FileKind.EVIDENCE:
        raise NoValidationReport(
            "ETSI's validation report is about signatures, and an evidence package is more than these; verify the"
            " signed contract in it (contract/contract.signed.pdf), or the timestamp of the recording in that of a"
            " web capture (capture.warc.tsr)."
        )
    for prefix, name in (("vr", NAMESPACE), ("xades", _XADES), ("ds", _DSIG)):
        ET.register_namespace(prefix, name)
    return _Report(report, language).encode()


class _Report:
    """One report being written. Certificates and timestamps are written once, and referred to by id."""

    def __init__(self, report: VerificationReport, language: Language) -> None:
        self._report = report
        self._translate = translator(language)
        self._root = ET.Element(f"{{{NAMESPACE}}}ValidationReport")
        self._objects: dict[str, ET.Element] = {}

    def encode(self) -> bytes:
        whole = _beyond_signatures(self._report)
        signatures = self._report.signatures or (SignatureReport(None, self._report.verdict),)
        for number, each in enumerate(signatures, 1):
            self._signature(number, replace(each, verdict=worst([each.verdict, whole])) if whole else each)
        if self._objects:
            objects = _add(self._root, "SignatureValidationObjects")
            objects.extend(self._objects.values())
        ET.indent(self._root)
        written: bytes = ET.tostring(self._root, encoding="UTF-8", xml_declaration=True)
        return written + b"\n"

    def _signature(self, number: int, one: SignatureReport) -> None:
        part = _add(self._root, "SignatureValidationReport")
        self._identifier(part, number, one)
        time = _add(part, "ValidationTimeInfo")
        _add(time, "ValidationTime", _instant(self._report.at))
        self._proof(_add(time, "BestSignatureTime"), one)
        if one.content_digest is not None:
            _digest(_add(part, "SignersDocument"), one.content_digest)
        self._attributes(part, one)
        if one.path:
            who = _add(part, "SignerInformation")
            self._refer(who, "SignerCertificate", one.path[:1])
            _add(who, "Signer", one.signer or one.path[0].subject)
        _add(_add(part, "SignatureValidationProcess"), "SignatureValidationProcessID", _PROCESS + _process(one))
        self._status(part, one)

    def _identifier(self, part: ET.Element, number: int, one: SignatureReport) -> None:
        identifier = _add(part, "SignatureIdentifier", id=f"S-{number}")
        _add(identifier, "HashOnly", "false")
        _add(identifier, "DocHashOnly", "false")
        if one.field is not None:
            _add(identifier, "DAIdentifier", one.field)

    def _proof(self, part: ET.Element, one: SignatureReport) -> None:
        """The best time known: a timestamp's, else that of the validation (EN 319 102-1, 5.1.3)."""
        good = (each for each in one.stamps if each.digest and each.verdict.indication is Indication.PASSED)
        stamp = next((each for each in good if each.time == one.timestamp), None)
        proven = one.timestamp if stamp is not None or one.document_timestamp else None
        _add(part, "POETime", _instant(proven or self._report.at))
        _add(part, "TypeOfProof", _BY_VALIDATION)
        if stamp is not None:
            _add(part, "POEObject", VOReference=self._timestamp(stamp))

    def _attributes(self, part: ET.Element, one: SignatureReport) -> None:
        found = ET.Element("")
        if one.claimed is not None:
            claimed = _add(found, "SigningTime", Signed="true")
            _add(claimed, "Time", _instant(one.claimed))
        for stamp in one.stamps:
            if stamp.time is not None and stamp.digest:
                attribute = _add(found, "SignatureTimeStamp", Signed="false")
                _add(attribute, "AttributeObject", VOReference=self._timestamp(stamp))
                _add(attribute, "TimeStampValue", _instant(stamp.time))
        if len(found):
            _add(part, "SignatureAttributes").extend(found)

    def _status(self, part: ET.Element, one: SignatureReport) -> None:
        status = _add(part, "SignatureValidationStatus")
        _indicate(status, one.verdict)
        data = _add(status, "AssociatedValidationReportData")
        if one.path:
            self._chain(data, one)
        further = ET.Element("")
        for name, value in self._further(one):
            entry = _add(further, "ReportData")
            _add(entry, "Type", _OURS + name)
            _add(entry, "Value", value)
        if len(further):
            _add(data, "AdditionalValidationReportData").extend(further)

    def _chain(self, data: ET.Element, one: SignatureReport) -> None:
        anchored = len(one.path) > 1 and one.verdict.subindication is not SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        if anchored:
            self._refer(data, "TrustAnchor", one.path[-1:])
        chain = _add(data, "CertificateChain")
        self._refer(chain, "SigningCertificate", one.path[:1])
        for each in one.path[1 : -1 if anchored else None]:
            self._refer(chain, "IntermediateCertificate", [each])
        if anchored:
            self._refer(chain, "TrustAnchor", one.path[-1:])

    def _further(self, one: SignatureReport) -> Iterator[tuple[str, str]]:
        for reason in one.verdict.reasons:
            yield "reason", reason.translated(self._translate)
        for name, value in (("level", one.level), ("coverage", one.coverage), ("changes", one.changes)):
            if value is not None:
                yield name, value.value
        if one.document_timestamp:
            yield "document-timestamp", "true"
        if one.policy is not None:
            yield "signature-policy", one.policy
        compared = (row.sentence for row in self._report.compared)
        for remark in (*compared, *self._report.general_remarks, *one.warnings):
            yield "remark", remark.translated(self._translate)

    def _refer(self, part: ET.Element, name: str, certificates: Iterable[CertificateDetails]) -> None:
        _add(part, name, VOReference=" ".join(map(self._certificate, certificates)))

    def _certificate(self, certificate: CertificateDetails) -> str:
        """The id of the validation object that has *certificate*."""
        known = f"C-{certificate.fingerprint}"
        if known not in self._objects:
            place = self._object(known, "certificate")
            _add(place, "base64", base64.b64encode(certificate.encoded).decode())
        return known

    def _timestamp(self, stamp: StampReport) -> str:
        """The same for a timestamp, with its own verdict: a copy of it on another signature has another one."""
        said = (stamp.verdict.indication, stamp.verdict.subindication)
        known = "-".join(("T", stamp.digest, *(each.value for each in said if each)))
        if known not in self._objects:
            _digest(self._object(known, "timestamp"), ContentDigest("sha256", bytes.fromhex(stamp.digest)))
            part = self._objects[known]
            if stamp.time is not None and stamp.verdict.indication is Indication.PASSED:
                _add(_add(part, "POEProvisioning"), "POETime", _instant(stamp.time))
            report = _add(part, "ValidationReport")
            status = _add(report, "SignatureValidationStatus")
            _indicate(status, stamp.verdict)
        return known

    def _object(self, known: str, kind: str) -> ET.Element:
        """A new validation object's representation; that it was there when it was validated is its proof."""
        part = self._objects[known] = ET.Element(f"{{{NAMESPACE}}}ValidationObject", id=known)
        _add(part, "ObjectType", _OBJECT + kind)
        place = _add(part, "ValidationObjectRepresentation")
        proof = _add(part, "POE")
        _add(proof, "POETime", _instant(self._report.at))
        _add(proof, "TypeOfProof", _PROVIDED)
        return place


def _beyond_signatures(report: VerificationReport) -> Verdict | None:
    """The verdict on the file where it is worse than on each signature (bytes after the end, say): no signature
    in it is better."""
    own = worst([each.verdict for each in report.signatures])
    return report.verdict if report.verdict.indication is not own.indication else None


def _process(one: SignatureReport) -> str:
    """The validation process of EN 319 102-1 (clauses 5.3, 5.5, 5.6) by what the signature has."""
    return {Level.LTA: "LTA", Level.LT: "LTVM", Level.T: "LTVM"}.get(one.level or Level.B, "Basic")


def _indicate(status: ET.Element, verdict: Verdict) -> None:
    _add(status, "MainIndication", _INDICATIONS[verdict.indication])
    if verdict.subindication is SubIndication.NO_SIGNATURE_FOUND:
        _add(status, "SubIndication", _OURS + verdict.subindication.value)
    elif verdict.subindication is not None:
        _add(status, "SubIndication", _SUB_INDICATION + verdict.subindication.value)


def _digest(part: ET.Element, digest: ContentDigest) -> None:
    both = _add(part, "DigestAlgAndValue")
    algorithm = _DIGESTS.get(digest.algorithm, f"urn:vermilion:digest:{digest.algorithm}")
    ET.SubElement(both, f"{{{_DSIG}}}DigestMethod", Algorithm=algorithm)
    ET.SubElement(both, f"{{{_DSIG}}}DigestValue").text = base64.b64encode(digest.value).decode()


def _add(part: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    made = ET.SubElement(part, f"{{{NAMESPACE}}}{name}", attributes)
    made.text = None if text is None else "".join(filter(_is_allowed, text))
    return made


def _is_allowed(letter: str) -> bool:
    """Whether XML 1.0 (2.2) has a place for *letter*: names in strangers' files may hold any."""
    return letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter > "\uffff"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
