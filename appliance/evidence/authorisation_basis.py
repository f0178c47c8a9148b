"""On what each signature rests, as the package shows it: does it fit together, and does it carry the signature.

``authority/NN.json`` is the record that was kept when signature NN was completed: the check of the signer's
identity, and the decision on the authority to sign for an organisation; ``authority/power-….pdf`` is the
instrument, ``authority/power-….json`` the authority's statement that officers have confirmed it. In this order:

1. each record's digest is in the log's entry of exactly one signature, and each digest there has its record;
2. the record is about that signature, by the person that the entry names, made when the timestamp says;
3. the instrument is that of the record and of the register; a second person verified it, nobody had revoked it;
4. the term covers the moment of signing;
5. type, counterparties, amount and seal lie within the scope;
6. the statement is about exactly this power, and the log names it; only a power that was verified in an entry
   of the log from before statements began (the manifest has that number from the authority) counts without one;
7. the identity check is on record, by somebody else, and covers the moment of signing.

Who has signed a statement is asked with the other signed records (:mod:`appliance.evidence.verification`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from hsm import canonical, timestamp
from hsm.intents import instant
from hsm.names import name_key, same_name

FORMAT: Final = "vermilion-grounds/1"
FOLDER: Final = "authority/"
_RECORD: Final = re.compile(r"authority/(\d{2,3})\.json")
_BY_LAW: Final = "legal-representative"
_RESTING: Final = frozenset({"grounds", "power", "identity"})
"""What the entry of a signature names that rests on something; the first has the record of it."""

Files = Mapping[str, bytes | memoryview]


@dataclass(frozen=True, slots=True)
class PackagedBasis:
    """One record with the log's entry of its signature; ``at`` is when the signature's timestamp dates it."""

    path: str
    record: Mapping[str, Any]
    entry: PackageEvent
    at: datetime

    def require(self, holds: bool, what: str) -> None:
        """Raises :class:`PackageRefused` naming *what* (one of :data:`WRONG`) unless *holds*."""
        if not holds:
            raise PackageRefused(WRONG[what], path=self.path)


WRONG: Final[Mapping[str, str]] = {
    "signature": "The grounds {path} are not about the signature whose log entry names them.",
    "moment": "The grounds {path} were not found at the time of their signature.",
    "decision": "The grounds {path} do not say that the signer was authorised.",
    "letter": "The letter of the power of attorney in {path} is not the one that was registered.",
    "statement": (
        "The power of attorney in {path} was not confirmed by officers: the authority's statement is missing."
    ),
    "stated": "The authority's statement is about another power of attorney than the one in {path}.",
    "second": "The power of attorney in {path} was not verified by a second person before it was used.",
    "revoked": "The power of attorney in {path} had been revoked before the signature.",
    "term": "The term of the power of attorney in {path} does not cover the time of signing.",
    "agent": "The power of attorney in {path} is for somebody else, or of another grantor.",
    "kind": "The power of attorney in {path} does not cover this type of contract.",
    "counterparties": "The power of attorney in {path} does not cover the counterparties of this contract.",
    "amount": "The amount of the contract is not within the limit of the power of attorney in {path}.",
    "matter": "The amount or the type in {path} is not what the log says of the contract.",
    "seal": "The power of attorney in {path} does not cover the use of this seal.",
    "identity": "The identity check in {path} is not the one on record, or does not cover the time of signing.",
}
"""What can be wrong, by name."""


def require_authorisation_basis(files: Files, entries: Sequence[PackageEvent], stated_since: int | None) -> None:
    """Everything above holds; *stated_since*: the number of the entry with which statements began, None for a
    package from before. Raises :class:`PackageRefused`; KeyError, TypeError, ValueError for other forms."""
    records = {path: bytes(files[path]) for path in sorted(files) if _RECORD.fullmatch(path)}
    told = [entry for entry in entries if entry.kind == "party-signed" and not _RESTING.isdisjoint(entry.public)]
    named = {_entry_of(path, record, told).entry for path, record in records.items()}
    if len(named) != len(records) or len(told) != len(records):
        raise PackageRefused("The package lacks the grounds of a signature, or has them twice.")
    instruments = set()
    for path, record in records.items():
        basis = PackagedBasis(path, canonical.decode(record), _entry_of(path, record, told), _dated(files, path))
        _require_signature(basis)
        _require_identity(basis, entries)
        instruments |= _require_authority(basis, files, entries, stated_since)
    if instruments != {path for path in files if path.startswith(FOLDER) and path.endswith(".pdf")}:
        raise PackageRefused("The package has a letter that no signature rests on.")
    if not set(_statements(files)) <= {path.replace(".pdf", ".json") for path in instruments}:
        raise PackageRefused("The package has a statement about a power of attorney that no signature rests on.")


def unstated(files: Files) -> list[str]:
    """The numbers of the powers in the package that have no statement, in order: officers have confirmed them
    before statements began."""
    paths = (path for path in sorted(files) if path.startswith(FOLDER) and path.endswith(".pdf"))
    powers = (path.removeprefix(FOLDER).removesuffix(".pdf") for path in paths)
    return [power for power in powers if f"{FOLDER}{power}.json" not in files]


def without_power(told: Iterable[Mapping[str, Any]], files: Files) -> list[str]:
    """The fields that people signed for an organisation under no power of attorney. *told* are the events of the
    history; where a name was erased, the record of what the signature rests on has it, if there is one."""
    records = {hashlib.sha256(files[path]).hexdigest(): path for path in files if _RECORD.fullmatch(path)}
    found = []
    for each in told:
        public, path = each["public"], records.get(each["public"].get("grounds", ""))
        if each["kind"] != "party-signed" or "power" in public:
            continue
        recorded = "" if path is None else canonical.decode(bytes(files[path]))["matter"]["organisation"]
        if each["private"].get("organisation", recorded):
            found.append(str(public.get("field", public["signer"])))
    return found


def _statements(files: Files) -> Iterator[str]:
    return (path for path in files if path.startswith(f"{FOLDER}power-") and path.endswith(".json"))


def _entry_of(path: str, record: bytes | memoryview, entries: Iterable[PackageEvent]) -> PackageEvent:
    digest = hashlib.sha256(record).hexdigest()
    for entry in entries:
        if entry.kind == "party-signed" and entry.public.get("grounds") == digest:
            return entry
    raise PackageRefused("No signature in the log rests on the grounds {path}.", path=path)


def _dated(files: Files, path: str) -> datetime:
    """When the signature of the same number was made, by its timestamp; whole seconds."""
    number = path.removeprefix(FOLDER).removesuffix(".json")
    token = bytes(files[f"signatures/{number}.tst"])
    return timestamp.parse_token(token).gen_time.replace(microsecond=0)


def _require_signature(basis: PackagedBasis) -> None:
    record, entry = basis.record, basis.entry
    about = {name: entry.public.get(name) for name in ("contract", "party", "field", "signer")}
    same = record["format"] == FORMAT and all(record[name] == value for name, value in about.items())
    basis.require(same and record["person"] == entry.actor, "signature")
    basis.require(entry.at == basis.at and _moment(record["at"]) >= basis.at, "moment")


def _require_authority(
    basis: PackagedBasis, files: Files, entries: Sequence[PackageEvent], stated_since: int | None
) -> set[str]:
    """The letters that the signature rests on: one, or none where no power was needed."""
    record = basis.record
    if record["outcome"] == "not-needed":
        basis.require("power" not in basis.entry.public and not record["matter"]["needed"], "decision")
        return set()
    considered = record["considered"][0]
    power, named = considered["power"], basis.entry.public.get("power")
    by_law = power["basis"] == _BY_LAW
    expected = _BY_LAW if by_law else "covered"
    basis.require(record["outcome"] == expected and considered["covers"] is True, "decision")
    basis.require(all(test["holds"] is True for test in considered["tests"]), "decision")
    basis.require(power["id"] == named and power["agent"] == record["person"], "agent")
    basis.require(same_name(power["grantor"], record["matter"]["organisation"]), "agent")
    instrument = f"{FOLDER}{named}.pdf"
    told = _require_register(basis, power, instrument, files, entries)
    basis.require(_moment(power["since"]) <= basis.at < _moment(power["until"]), "term")
    _require_stated(basis, entries)
    _require_sides(basis, entries)
    if not by_law:
        _require_scope(basis, power)
    _require_statement(basis, power, files.get(f"{FOLDER}{named}.json"), told, stated_since)
    return {instrument}


def _require_register(
    basis: PackagedBasis,
    power: Mapping[str, Any],
    instrument: str,
    files: Files,
    entries: Sequence[PackageEvent],
) -> PackageEvent | None:
    """What the record says of the power is what the log says of it; the entry of its verification."""
    own = {entry.kind: entry for entry in entries if entry.public.get("power") == power["id"]}
    registered, verified = own.get("power-registered"), own.get("power-verified")
    _require_once(basis, power, entries)
    content = files.get(instrument)
    basis.require(content is not None and registered is not None, "letter")
    digest = hashlib.sha256(content or b"").hexdigest()
    facts = registered.public if registered is not None else {}
    same = all(facts.get(name) == power[name] for name in ("agent", "basis", "since", "until"))
    basis.require(same and digest == power["letter"] == facts.get("digest"), "letter")
    basis.require(verified is not None and registered is not None, "second")
    if verified is not None and registered is not None:
        apart = (
            verified.actor not in (registered.actor, power["agent"]) and verified.actor == power["verified"]["by"]
        )
        basis.require(apart and verified.at <= basis.at and verified.public.get("digest") == digest, "second")
    basis.require(not _ended(entries, "power-revoked", basis.at, power=power["id"]), "revoked")
    return verified


def _require_once(basis: PackagedBasis, power: Mapping[str, Any], entries: Sequence[PackageEvent]) -> None:
    """It was registered once and verified once, in this order of the log: a later entry says nothing else of a
    power that was verified before."""
    own = [entry for entry in entries if entry.public.get("power") == power["id"]]
    registered, verified = (
        [entry.entry for entry in own if entry.kind == kind] for kind in ("power-registered", "power-verified")
    )
    once = len(registered) <= 1 and len(verified) <= 1
    basis.require(once and (not registered or not verified or registered < verified), "second")


STATEMENT: Final = "vermilion-power/1"
_AS_RECORDED: Final = (
    *("agent", "basis", "counterparties", "currency", "grantor", "id", "kinds", "letter", "limit", "principal"),
    *("seals", "since", "until"),
)
"""What a statement and a record both say of a power."""


def _require_statement(
    basis: PackagedBasis,
    power: Mapping[str, Any],
    statement: bytes | memoryview | None,
    verified: PackageEvent | None,
    stated_since: int | None,
) -> None:
    """Officers have confirmed exactly this power, before the signature; or nobody could ask for that yet."""
    if statement is None:
        named = verified is None or "statement" in verified.public
        before = stated_since is None or (verified is not None and verified.entry < stated_since)
        basis.require(before and not named, "statement")
        return
    said = canonical.decode(bytes(statement))
    about, by = said["power"], {officer["subject"] for officer in said["confirmed_by"]}
    same = said["format"] == STATEMENT and all(about[name] == power[name] for name in _AS_RECORDED)
    basis.require(same and about["registered_by"] == power["registered"]["by"], "stated")
    digest = hashlib.sha256(statement).hexdigest()
    in_log = verified is not None and verified.public.get("statement") == digest and verified.actor in by
    basis.require(in_log and _moment(said["confirmed"]) <= basis.at, "stated")


def _require_stated(basis: PackagedBasis, entries: Sequence[PackageEvent]) -> None:
    """Amount and type are those that the log has of the contract, where they were not erased."""
    matter, stated = basis.record["matter"], {}
    for entry in entries:
        own = entry.public.get("contract") == basis.record["contract"]
        if own and entry.kind in ("contract-drafted", "contract-revised") and entry.private:
            stated = {"amount": None, **entry.private}
    if not stated:
        return
    amount = matter["amount"]
    opened = stated["amount"]
    same = (amount is None) == (opened is None)
    if amount is not None and opened is not None:
        currency, _, units = str(opened).partition(" ")
        same = currency == matter["currency"] and int(re.sub(r"\D", "", units)) == amount
    basis.require(same and stated.get("kind", matter["kinds"][0]) == matter["kinds"][0], "matter")


def _require_sides(basis: PackagedBasis, entries: Sequence[PackageEvent]) -> None:
    """For whom the signature is made, and with whom, is what the log has of the signatures, where no name was
    erased: it has to fit the acceptances of the agreement, which people have signed. Who signs for no organisation
    is a counterparty by their own name."""
    matter, own = basis.record["matter"], basis.entry.private.get("organisation")
    basis.require(own is None or same_name(own, matter["organisation"]), "agent")
    sides = _keys(matter["organisation"], *matter["counterparties"])
    for each in entries:
        name, organisation = (each.private.get(field) for field in ("name", "organisation"))
        other = None if organisation is None or each.kind != "party-signed" else organisation.strip() or name
        if other is not None and name_key(other) not in sides:
            raise PackageRefused(WRONG["counterparties"], path=basis.path)


def _keys(*names: str) -> frozenset[str]:
    """What these names are compared by; each name once, since a stranger's record may have many."""
    return frozenset(map(name_key, names))


def _require_scope(basis: PackagedBasis, power: Mapping[str, Any]) -> None:
    matter = basis.record["matter"]
    kinds, parties, limit = _keys(*power["kinds"]), _keys(*power["counterparties"]), power["limit"]
    basis.require(not kinds or not kinds.isdisjoint(_keys(*matter["kinds"])), "kind")
    basis.require(not parties or _keys(*matter["counterparties"]) <= parties, "counterparties")
    signer = basis.record["signer"]
    used = signer if signer.startswith("seal-") else None
    basis.require(matter["seal"] == used and used in (None, *power["seals"]), "seal")
    if limit is not None and matter["amount"] is None:
        basis.require(matter["amount_needed"] is False, "amount")
    elif limit is not None:
        basis.require(matter["currency"] == power["currency"] and matter["amount"] <= limit, "amount")


def _require_identity(basis: PackagedBasis, entries: Sequence[PackageEvent]) -> None:
    identity, named = basis.record["identity"], basis.entry.public.get("identity")
    if identity is None:
        basis.require(named is None, "identity")
        return
    own = {entry.kind: entry for entry in entries if entry.public.get("identity") == identity["id"]}
    checked = own.get("identity-checked")
    basis.require(identity["id"] == named and checked is not None, "identity")
    if checked is not None:
        facts = checked.public
        same = all(facts.get(name) == identity[name] for name in ("document", "commitment", "against", "answers"))
        person = basis.record["person"]
        apart = facts.get("person") == person != checked.actor == identity["checked_by"]
        basis.require(same and apart and instant(checked.at) == identity["since"], "identity")
        basis.require(facts.get("until") == identity["until"], "identity")
    basis.require(_moment(identity["since"]) <= basis.at < _moment(identity["until"]), "identity")
    basis.require(not _ended(entries, "identity-withdrawn", basis.at, identity=identity["id"]), "identity")


def _ended(entries: Iterable[PackageEvent], kind: str, at: datetime, **named: str) -> bool:
    """Whether an entry of this *kind* about what is *named* is from before *at*; later ones take nothing back."""
    own = (each for each in entries if each.kind == kind and named.items() <= each.public.items())
    return any(each.at < at for each in own)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
