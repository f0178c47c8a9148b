"""The list of evidence (证据目录) with which a package opens: each piece with its number, name, source, files, and
what it proves (证明目的) and does not prove, as Article 19 of the provisions on evidence in civil procedure asks.

Every file of a package is in exactly one piece of evidence, or is an aid. The list is the portal's word, for who
submits the package; what holds is judged from the files themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.evidence import history, manifest
from appliance.evidence.extraction import Extraction
from appliance.evidence.manifest import ListedFile
from appliance.evidence.model import EvidenceInput
from hsm.errors import Sentence

AIDS: Final = "aids"
"""The key of what is in a package beside evidence."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of evidence: its key, the paths of its files, and what is said of it."""

    key: str
    paths: re.Pattern[str]
    name: Sentence
    what: Sentence
    source: Sentence
    proves: Sentence
    limit: Sentence


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence: its ``number`` in the list, from 1, and its files; ``pages`` where they are known."""

    number: int
    kind: Kind
    files: tuple[ListedFile, ...]
    pages: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)


_OF_PARTIES: Final = Sentence("Made by the parties when they signed on this appliance; taken from its archive.")
_OF_APPLIANCE: Final = Sentence("Made by this appliance while it worked.")
_OF_SIGNERS: Final = Sentence("Signed by the persons who are named in it, on this appliance.")

_KINDS: Final = (
    Kind(
        "signed",
        re.compile(r"contract/contract\.signed\.pdf"),
        Sentence("Signed contract (the original)"),
        Sentence("The PDF that has all signatures and seals in it."),
        _OF_PARTIES,
        Sentence("What the parties have agreed: the content of the contract, as it was signed and sealed."),
        Sentence("Not that what it says is true, nor what the signers had in mind."),
    ),
    Kind(
        "original",
        re.compile(r"contract/contract\.pdf"),
        Sentence("Contract before it was signed"),
        Sentence("The PDF as it was given for signing."),
        Sentence("Given to this appliance by the initiator; kept unchanged."),
        Sentence("On which text they signed: the signed file begins with exactly these bytes."),
        Sentence("Not how the text came about before it was given."),
    ),
    Kind(
        "signatures",
        re.compile(r"signatures/.+"),
        Sentence("Electronic signatures and seals"),
        Sentence("Each signature, taken out of the PDF: message, value, timestamp."),
        _OF_PARTIES,
        Sentence("Who signed which bytes, by which certificate, and not later than which time."),
        Sentence("Identity only as far as it was checked (see the grounds); not who held the device."),
    ),
    Kind(
        "dates",
        re.compile(r"contract/contract\.ts[qr]"),
        Sentence("Timestamps over the signed contract"),
        Sentence("Request and answer, and document timestamps in the PDF (RFC 3161)."),
        Sentence("Issued by the timestamp service of this appliance."),
        Sentence("That the signed contract existed at that time, in this form."),
        Sentence("The service is the operator's own and no independent third party."),
    ),
    Kind(
        "certificates",
        re.compile(r"certificates/.+"),
        Sentence("Certificates and revocation lists"),
        Sentence("Root, intermediate and signers' certificates; lists of revoked ones."),
        Sentence(
            "Issued by the private certification authority of the operator; signers' own ones by their issuers."
        ),
        Sentence("To whom the keys of the signatures are certified, and that none was revoked by these lists."),
        Sentence("The root proves nothing by being here: compare it with one that came by another way."),
    ),
    Kind(
        "agreement",
        re.compile(r"agreement/.+"),
        Sentence("Agreement on electronic signing"),
        Sentence("Its text, and each party's signed acceptance."),
        _OF_SIGNERS,
        Sentence("That the parties agreed to sign electronically, and on which conditions of reliability."),
        Sentence("Not that whoever accepted it had the power to; see the grounds."),
    ),
    Kind(
        "authority",
        re.compile(r"authority/.+"),
        Sentence("Grounds of the signatures"),
        Sentence("Identity checks, powers of attorney, and statements of the signing service about them."),
        Sentence("Recorded on this appliance; powers confirmed by its officers."),
        Sentence("What was checked of each signer's identity, by whom, and under which power each one signed."),
        Sentence("Identity beyond that check; what the signing service did not confirm is the portal's word."),
    ),
    Kind(
        "review",
        re.compile(r"review/.+"),
        Sentence("Content check"),
        Sentence("Its result, and the reviewer's sign-off."),
        _OF_APPLIANCE,
        Sentence("That the text was checked before it went out, and who answered for it."),
        Sentence("Not that its clauses are valid or sufficient."),
    ),
    Kind(
        "annexes",
        re.compile(r"annexes/.+"),
        Sentence("Annexes of the contract"),
        Sentence("The files that were attached when it was sent."),
        Sentence("Given to this appliance by the initiator; kept unchanged."),
        Sentence("Which files belonged to the contract when it was sent: the log has their digests."),
        Sentence("Not that what they say is true."),
    ),
    Kind(
        "history",
        re.compile(r"history/.+"),
        Sentence("Course of the signing"),
        Sentence("Every step with time, actor and network address, for reading and for programs."),
        _OF_APPLIANCE,
        Sentence("How the contract was drafted, sent, read, signed and completed, step by step."),
        Sentence("What no signature proves of it is the portal's own record."),
    ),
    Kind(
        "log",
        re.compile(r"log/.+"),
        Sentence("Log of the appliance"),
        Sentence("The entries about this contract, their proofs, and the signed checkpoint."),
        _OF_APPLIANCE,
        Sentence("That no entry about this contract was changed, or left out up to the newest one here."),
        Sentence(
            "It binds its keeper as far as others keep older checkpoints; nothing after the newest entry is here."
        ),
    ),
    Kind(
        "voiding",
        re.compile(rf"{history.FOLDER}.+"),
        Sentence("Declarations that the contract is void"),
        Sentence("Each party's signed declaration."),
        _OF_SIGNERS,
        Sentence("That the parties have declared this contract void, and when."),
        Sentence("Not why, nor what became of performances until then."),
    ),
    Kind(
        "manifest",
        re.compile(r"manifest\..+"),
        Sentence("Manifest of the package"),
        Sentence("Path, size and SHA-256 of every file, signed and timestamped."),
        Sentence("Made by this appliance when the package was exported, and signed by its evidence service."),
        Sentence("That the files are those that were exported: none changed, added or missing."),
        Sentence("Not what the files say."),
    ),
)
_AIDS: Final = Kind(
    AIDS,
    re.compile(r".*"),
    Sentence("Aids (no evidence)"),
    Sentence("This list, guide, explanations, programs that check, and our own verification report."),
    _OF_APPLIANCE,
    Sentence("They help to read and to check."),
    Sentence("They prove nothing by themselves."),
)


def key_of(path: str) -> str:
    """The kind of evidence to which the file *path* belongs, or :data:`AIDS`."""
    return next((each.key for each in _KINDS if each.paths.fullmatch(path)), AIDS)


def list_of(evidence: EvidenceInput, extraction: Extraction, files: Mapping[str, bytes]) -> tuple[Evidence, ...]:
    """The evidence among *files*, numbered; the manifest's own files, made later, have no size; aids come last,
    without the list itself."""
    stamps = {f"signatures/{each.number}.tst" for each in extraction.timestamps}
    found: dict[str, list[ListedFile]] = {}
    for path in sorted(files):
        key = "dates" if path in stamps else key_of(path)
        found.setdefault(key, []).append(ListedFile(path, len(files[path]), _digest(files[path])))
    found["manifest"] = [ListedFile(path, 0, "") for path in sorted(manifest.SEALS)]
    pages = _pages(evidence)
    present = [each for each in (*_KINDS, _AIDS) if each.key in found]
    return tuple(
        Evidence(number, kind, tuple(found[kind.key]), pages if kind.key in ("signed", "original") else None)
        for number, kind in enumerate(present, start=1)
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pages(evidence: EvidenceInput) -> int | None:
    """Of the contract as given, as the log has them; signing adds none."""
    digest = _digest(evidence.original)
    told = (each.public for each in history.events(evidence.log.entries))
    found = (each.get("pages") for each in told if each.get("digest") == digest)
    return next((each for each in found if type(each) is int), None)
