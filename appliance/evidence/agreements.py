"""On what agreement to sign electronically each signature rests: whether the package's acceptances carry it.

``agreement/NN.json`` is what a party's representative accepted by signature (``.p7s``); the log has its digest in
the entry of the acceptance, and the entry of each signature names the entries of the acceptances that it rests on.
In this order, for every signature whose entry names some (those from before there were sides do not):

1. each acceptance is in the package, by the person whom the log names, and so is its text in both languages;
2. it came before the signature, in the log and by its time;
3. it was accepted for the side of the signature, the organisation or the person who signs for none;
4. whoever accepted was certified under that organisation, or made the signature; of acceptances of earlier formats
   only a remark says that (:func:`accepted_by_others`);
5. all acceptances of the signature together name every other side of the contract.

An acceptance on which no signature rests has no place in a package, nor has a text that none of them names. On
those from before acceptances were between parties rest the signatures of who accepted, whose entries name none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from hsm import canonical, timestamp
from hsm.errors import Sentence
from hsm.records import AGREEMENT, carries, name_of_signer
from hsm.records import FORMATS as RECORD_FORMATS

FOLDER: Final = "agreement/"
_OF_PERSONS: Final = "vermilion-agreement/1"
_EARLIER: Final = frozenset({"vermilion-agreement/2", "vermilion-agreement/3"})
FORMATS: Final = _EARLIER | {RECORD_FORMATS[AGREEMENT]}
"""Of acceptances between parties."""
_RECORD: Final = re.compile(r"agreement/(\d{2,3})\.json")

Files = Mapping[str, bytes | memoryview]

WRONG: Final[Mapping[str, str]] = {
    "lacking": "The package lacks an acceptance that the signature in log entry {entry} rests on.",
    "person": "The acceptance {path} is not the one that the log has.",
    "text": "The text that was accepted in {path} is not the one in the package.",
    "later": "The acceptance {path} does not come before the signature in log entry {entry}.",
    "side": "The acceptance {path} is not for the party that signed in log entry {entry}.",
    "whose": (
        "The acceptance {path} is by somebody who is not certified under {party}, so the signature of somebody"
        " else in log entry {entry} cannot rest on it."
    ),
    "others": "The acceptances that the signature in log entry {entry} rests on do not name all parties.",
}
"""What can be wrong, by name."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One acceptance in the package, with the log's entry of it, the CMS over it, and all sides that it names."""

    path: str
    record: Mapping[str, Any]
    entry: PackageEvent
    cms: bytes = b""
    sides: frozenset[str] = frozenset()

    def carries(self, signature: PackageEvent) -> bool:
        return carries(self.record, self.cms, signature.public["signer"])

    @property
    def number(self) -> str:
        """As in the names of its files."""
        return self.path.removeprefix(FOLDER).removesuffix(".json")


def text_path(version: str, language: str) -> str:
    """Where the text of *version* lies."""
    return f"{FOLDER}electronic-signing-{version}.{language}.md"


def require_agreements(files: Files, entries: Sequence[PackageEvent]) -> None:
    """Everything above holds. Raises :class:`PackageRefused`; KeyError, TypeError, ValueError for other forms."""
    known = _packaged(files, entries)
    for each in known.values():
        _require_accepted(each, files)
    sides = {_key(side) for each in _all(entries) if (side := _side(each)) is not None}
    used: set[int] = set()
    for signature in _signatures(entries):
        used |= _require_rests(signature, known, sides)
    records = [canonical.decode(bytes(files[path])) for path in files if _RECORD.fullmatch(path)]
    alone = {(_OF_PERSONS, each.actor) for each in _all(entries) if "agreement" not in each.public}
    unused = {(each["format"], each["person"]) for each in records if each["format"] not in FORMATS} - alone
    if used != set(known) or unused:
        raise PackageRefused("The package has an acceptance that no signature rests on.")
    named = {(text_path(each["version"], name), said) for each in records for name, said in each["texts"].items()}
    texts = (path for path in files if path.startswith(FOLDER) and path.endswith(".md"))
    if not {(path, hashlib.sha256(files[path]).hexdigest()) for path in texts} <= named:
        raise PackageRefused("The package has a text of the agreement that no acceptance names.")


_OF_OTHERS: Final = (
    "The agreement on electronic signing was accepted for {party} by {name}, whose certificate is of"
    " {organisation}; these signatures rest on that: {fields}. That the acceptance is {party}'s is the word of the"
    " portal alone."
)


def accepted_by_others(files: Files, entries: Sequence[PackageEvent]) -> Iterator[Sentence]:
    """Who accepted without being certified under the organisation, and for which signatures of others: by
    acceptances of earlier formats, in a package in which everything above holds."""
    resting = [(each, frozenset(_named(each))) for each in _signatures(entries)]
    for number, accepted in _packaged(files, entries).items():
        fields = [_field(each) for each, named in resting if number in named and not accepted.carries(each)]
        if fields:
            who, party = name_of_signer(accepted.cms), accepted.record["party"]["name"]
            named = {"name": who.common_name, "organisation": who.organisation or "—", "party": party}
            yield Sentence(_OF_OTHERS, {**named, "fields": ", ".join(fields)})


def people_named(files: Files) -> Iterator[tuple[str, str]]:
    """Who is named in acceptances between parties as signing for no organisation: number and name. People are
    shown the name, and for whom an acceptance counts goes by the number."""
    for path in sorted(filter(_RECORD.fullmatch, files)):
        said = canonical.decode(bytes(files[path]))
        sides = [said["party"], *said["counterparties"]] if said["format"] in FORMATS else []
        yield from ((each["subject"], each["name"]) for each in sides if "subject" in each)


_UNAGREED: Final = (
    "These signatures rest on no acceptance of the agreement on electronic signing: {fields}. That their signers"
    " have accepted it is the word of the portal alone."
)


def without_acceptance(files: Files, entries: Sequence[PackageEvent]) -> Iterator[Sentence]:
    """Which signatures rest on no acceptance in the package: neither on one between parties, nor on one of their
    signer's from before, which was made before them."""
    records = {path: canonical.decode(bytes(files[path])) for path in files if _RECORD.fullmatch(path)}
    accepted = [
        (said["person"], timestamp.parse_token(bytes(files[path.replace(".json", ".tst")])).gen_time)
        for path, said in records.items()
        if said["format"] == _OF_PERSONS
    ]

    def has(signature: PackageEvent) -> bool:
        signer, at = signature.public["signer"], signature.at
        return any(who == signer and when.replace(microsecond=0) <= at for who, when in accepted)

    found = [each for each in _all(entries) if "agreement" not in each.public and not has(each)]
    if found:
        yield Sentence(_UNAGREED, {"fields": ", ".join(map(_field, found))})


def _field(signature: PackageEvent) -> str:
    return str(signature.public.get("field", signature.public["signer"]))


def _packaged(files: Files, entries: Iterable[PackageEvent]) -> dict[int, Acceptance]:
    """The acceptances by the numbers of their entries, each with its signature."""
    records = {path: bytes(files[path]) for path in sorted(files) if _RECORD.fullmatch(path)}
    signed = (
        replace(each, cms=bytes(files[f"{FOLDER}{each.number}.p7s"])) for each in _acceptances(records, entries)
    )
    return {each.entry.entry: each for each in signed}


def _acceptances(records: Mapping[str, bytes], entries: Iterable[PackageEvent]) -> list[Acceptance]:
    """The acceptances between parties with their entries, in the order of the log."""
    told = {each.public.get("signed"): each for each in entries if each.kind == "agreement-accepted"}
    found = []
    for path, content in records.items():
        record = canonical.decode(content)
        if record["format"] not in FORMATS:  # from before agreements were between parties
            continue
        entry = told.get(hashlib.sha256(content).hexdigest())
        if entry is None:
            raise PackageRefused(WRONG["person"], path=path)
        sides = frozenset(map(_key, [record["party"], *record["counterparties"]]))
        found.append(Acceptance(path, record, entry, sides=sides))
    return sorted(found, key=lambda each: each.entry.entry)


def _all(entries: Iterable[PackageEvent]) -> list[PackageEvent]:
    return [each for each in entries if each.kind == "party-signed"]


def _signatures(entries: Iterable[PackageEvent]) -> list[PackageEvent]:
    """The signatures whose entries name what they rest on."""
    return [each for each in _all(entries) if "agreement" in each.public]


def _named(signature: PackageEvent) -> list[int]:
    return [int(number) for number in signature.public["agreement"].split(" ")]


def _require_accepted(each: Acceptance, files: Files) -> None:
    record, public = each.record, each.entry.public
    same = record["person"] == each.entry.actor == public["person"] and record["version"] == public["version"]
    # nobody accepts in the name of another person, as colleagues do for their organisation
    if not same or record["party"].get("subject", record["person"]) != record["person"]:
        raise PackageRefused(WRONG["person"], path=each.path)
    for language in ("en", "zh"):
        text = files.get(text_path(record["version"], language))
        if text is None or hashlib.sha256(text).hexdigest() != record["texts"][language]:
            raise PackageRefused(WRONG["text"], path=each.path)


def _require_rests(signature: PackageEvent, known: Mapping[int, Acceptance], sides: set[str]) -> set[int]:
    """The entries of the acceptances that *signature* rests on, all of them good for it."""
    named, own, missing = set(_named(signature)), _side(signature), set(sides)
    for number in sorted(named):
        each = known.get(number)
        if each is None:
            raise PackageRefused(WRONG["lacking"], entry=signature.entry)
        if number >= signature.entry or each.entry.at > signature.at:
            raise PackageRefused(WRONG["later"], path=each.path, entry=signature.entry)
        if own is not None and _key(each.record["party"]) != _key(own):
            raise PackageRefused(WRONG["side"], path=each.path, entry=signature.entry)
        if each.record["format"] not in _EARLIER and not each.carries(signature):
            party = each.record["party"]["name"]
            raise PackageRefused(WRONG["whose"], path=each.path, entry=signature.entry, party=party)
        missing -= each.sides
    if not named or missing:
        raise PackageRefused(WRONG["others"], entry=signature.entry)
    return named


def _side(signature: PackageEvent) -> Mapping[str, str] | None:
    """The side that signed, as acceptances name sides; None where the name was erased."""
    name, organisation = signature.private.get("name"), signature.private.get("organisation")
    if name is None or organisation is None:
        return None
    if organisation.strip():
        return {"name": organisation.strip()}
    return {"name": name, "subject": signature.public["signer"]}


def _key(side: Mapping[str, str]) -> str:
    """A person's number is the portal's choice: whatever it says, nobody takes it for an organisation."""
    return f"person:{side['subject']}" if "subject" in side else f"organisation:{side['name']}"
