"""Everything in a file that may help to judge its signatures, gathered before anything is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asn1crypto import core

from appliance.verification.certificate_judge import CertificateJudge
from appliance.verification.certificates import parsed
from appliance.verification.circumstances import ValidationContext
from appliance.verification.messages import ADOBE_REVOCATION, SignedMessage, UnreadableMessage, read_message
from appliance.verification.paths import PathFinder
from appliance.verification.revocation import RevocationData


@dataclass(slots=True)
class CollectedMaterial:
    """Certificates, lists and responses (DER) found in the file."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)

    def add_message(self, message: SignedMessage) -> None:
        """What *message* carries, and what its timestamps carry."""
        self.certificates += message.certificates
        self.crls += message.crls
        for archival in message.signed.get(ADOBE_REVOCATION, ()):
            self.crls += _archived(archival, 0)
            self.responses += _archived(archival, 1)
        for token in message.timestamps:
            try:
                self.add_message(read_message(token))
            except UnreadableMessage:
                continue  # said when the token is judged

    def certificate_judge(self, circumstances: ValidationContext) -> CertificateJudge:
        """A judge who knows all of it."""
        pool = [certificate for each in dict.fromkeys(self.certificates) if (certificate := parsed(each))]
        believed = (*circumstances.anchors, *circumstances.stampers)
        finder = PathFinder(believed, [*pool, *circumstances.known])
        stampers = frozenset(circumstances.stampers) - frozenset(circumstances.anchors)
        return CertificateJudge(
            finder, RevocationData([*self.crls, *circumstances.crls], self.responses), stampers
        )


def _archived(archival: bytes, tag: int) -> list[bytes]:
    """The members of the list under the explicit *tag* of Adobe's attribute (ISO 32000-2, 12.8.3.3.2)."""
    return [member for tagged in _members(archival) if tagged[0] == 0xA0 | tag for member in _inner(tagged)]


def _inner(tagged: bytes) -> Iterable[bytes]:
    return (member for sequence in _members(tagged) for member in _members(sequence))


def _members(element: bytes) -> Iterator[bytes]:
    """The elements inside *element*; none when it is not well-formed."""
    try:
        contents = core.load(element, strict=True).contents
        while contents:
            member = core.load(contents)
            encoded = member.dump()
            yield encoded
            contents = contents[len(encoded) :]
    except ValueError:
        return
