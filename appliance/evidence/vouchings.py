"""Outside signers for whom an initiator vouched, as the package shows it: who vouched for whom, in which contract.

``authority/vouching-PARTY.json`` is the authority's statement that somebody vouched and that the signer's
certificate came of it. An event certificate says by itself for which contract and party it is. In this order:

1. the contract was signed with it as this very party of this very contract, and the log says by this method;
2. the statement is about exactly this certificate and these names, from before the signature, and in the log;
3. what was accepted with it was accepted for this contract and party; nothing was declared void with it.

Who has signed a statement is asked with the other signed records (:mod:`appliance.evidence.verification`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.history import SIGNED, PackageEvent
from appliance.evidence.model import PackageRefused
from appliance.evidence.own_certificates import is_own
from appliance.signing_methods import SigningMethod
from hsm import canonical, cms
from hsm.errors import Malformed, Sentence
from hsm.intents import moment_in
from hsm.names import name_in
from hsm.vouching import FORMAT, EventScope, scope_in

PREFIX: Final = "authority/vouching-"
_SIGNED: Final = re.compile(r"(signatures|agreement|voiding)/\d{2,3}\.p7s")
_CERTIFIED: Final = "guest-certified"

_ELSEWHERE: Final = (
    "The signature of {name} was made with a certificate for another contract, or for another party of it."
)
_METHOD: Final = (
    "The history says of {name} another method of signing than the certificate: who answers for who that is."
)
_MISSING: Final = "The authority's statement of who vouched for {name} is missing."
_OTHER: Final = "The authority's statement of who vouched for {name} is about another person or certificate."
_UNTOLD: Final = "The log does not name the authority's statement of who vouched for {name}."
_LATE: Final = "{name} was certified after their signature."
_UNUSED: Final = "The package has a statement of who vouched for somebody who has not signed."
_ACCEPTED: Final = (
    "{name} accepted the agreement on electronic signing for another contract than the one of the certificate."
)
_DECLARED: Final = "{name} declared a contract void with a certificate that is for signing one contract alone."
_VOUCHED: Final = (
    "{by} of {organisation} vouched for who {name} is, whose certificate is for this contract alone. No officer"
    " has verified it."
)

Files = Mapping[str, bytes | memoryview]


@dataclass(frozen=True, slots=True)
class EventSignature:
    """Something that was signed with an event certificate: the file's ``folder`` and number are in ``path``."""

    path: str
    certificate: x509.Certificate
    scope: EventScope

    @property
    def folder(self) -> str:
        return self.path.partition("/")[0]

    @property
    def subject(self) -> str:
        return name_in(self.certificate).identifier or ""

    @property
    def name(self) -> str:
        return name_in(self.certificate).common_name


def require_vouched(files: Files, told: Sequence[PackageEvent], contract: str) -> None:
    """Everything above holds for the contract of this number. Raises :class:`PackageRefused`; KeyError, TypeError,
    ValueError for other forms."""
    made = list(_event_signatures(files))
    signed = {
        str(each.public["signer"]): each
        for each in told
        if each.kind == SIGNED and each.public.get("contract") == contract
    }
    by_scope = {each.subject for each in made if each.folder == "signatures"}
    for subject, entry in signed.items():
        if (entry.public.get("method") == SigningMethod.VOUCHED) != (subject in by_scope):
            raise PackageRefused(_METHOD, name=entry.private.get("name", subject))
    for each in made:
        entry_of = signed.get(each.subject)
        party = None if entry_of is None else entry_of.public["party"]
        if (each.scope.contract, each.scope.party) != (contract, party) or entry_of is None:
            raise PackageRefused(_ELSEWHERE, name=each.name)
        if each.folder == "signatures":
            _require_statement(each, files, told, entry_of)
        else:
            _require_own_record(each, files)
    used = {f"{PREFIX}{each.scope.party}.json" for each in made if each.folder == "signatures"}
    if used != {path for path in files if path.startswith(PREFIX) and path.endswith(".json")}:
        raise PackageRefused(_UNUSED)


def who_vouched(files: Files) -> Iterator[Sentence]:
    """Who vouched for whom, of a package in which everything above holds."""
    for path in sorted(each for each in files if each.startswith(PREFIX) and each.endswith(".json")):
        said = canonical.decode(bytes(files[path]))
        by = said["vouched_by"]
        yield Sentence(_VOUCHED, {"by": by["name"], "organisation": by["organisation"], "name": said["name"]})


def _event_signatures(files: Files) -> Iterator[EventSignature]:
    """A certificate of another house is none, whatever it says; its signature is judged apart."""
    for path in sorted(filter(_SIGNED.fullmatch, files)):
        folder, _, name = path.partition("/")
        if folder == "signatures" and is_own(files, name.removesuffix(".p7s")):
            continue
        certificate = cms.signer_certificate(cms.parse(bytes(files[path])))
        if certificate is None:
            continue
        try:
            scope = scope_in(certificate)
        except Malformed as error:
            raise PackageRefused(_ELSEWHERE, name=name_in(certificate).common_name) from error
        if scope is not None:
            yield EventSignature(path, certificate, scope)


def _require_statement(
    made: EventSignature, files: Files, told: Sequence[PackageEvent], signed: PackageEvent
) -> None:
    content = files.get(f"{PREFIX}{made.scope.party}.json")
    if content is None:
        raise PackageRefused(_MISSING, name=made.name)
    said = canonical.decode(bytes(content))
    if not _is_about(said, made):
        raise PackageRefused(_OTHER, name=made.name)
    if not moment_in(said["vouched"]) <= moment_in(said["registered"]) <= signed.at:
        raise PackageRefused(_LATE, name=made.name)
    digest = hashlib.sha256(content).hexdigest()
    named = [each for each in told if each.kind == _CERTIFIED and each.public.get("statement") == digest]
    facts = [(each.public["person"], each.public["by"], each.public["party"]) for each in named]
    if facts != [(made.subject, made.scope.vouched_by, made.scope.party)]:
        raise PackageRefused(_UNTOLD, name=made.name)


def _is_about(said: Mapping[str, Any], made: EventSignature) -> bool:
    name, scope = name_in(made.certificate), made.scope
    certificate = hashlib.sha256(made.certificate.public_bytes(Encoding.DER)).hexdigest()
    return (
        said["format"] == FORMAT
        and said["certificate"] == certificate
        and (said["contract"], said["party"], said["vouched_by"]["subject"])
        == (scope.contract, scope.party, scope.vouched_by)
        and (said["person"], said["name"], said["organisation"])
        == (name.identifier, name.common_name, name.organisation)
    )


def _require_own_record(made: EventSignature, files: Files) -> None:
    if made.folder == "voiding":
        raise PackageRefused(_DECLARED, name=made.name)
    record = canonical.decode(bytes(files[made.path.replace(".p7s", ".json")]))
    if (record["contract"], record["for"]) != (made.scope.contract, made.scope.party):
        raise PackageRefused(_ACCEPTED, name=made.name)
