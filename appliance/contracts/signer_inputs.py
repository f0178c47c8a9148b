"""What signers fill in before they sign: the sender defines and places the fields of a draft; the signer fills
them in. The values are drawn into the document with the signature, and are part of what is activated.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from appliance.contracts import draft_rules
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.contracts.permissions import Permission
from appliance.contracts.sending import FILLS_NOTHING_IN
from appliance.documents.intake import DocumentLayouts
from appliance.errors import DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.ledger.audit_trail import AuditEvent, EventKind
from appliance.model.contract import Contract, InputKind, Party, PartyKind, Placement, SignerInput
from appliance.signing_methods import SigningMethod
from appliance.store import contracts, intents
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.intents import LONGEST_LABEL, LONGEST_VALUE
from hsm.names import is_visible, same_name, visible

MOST_INPUTS: Final = 20
"""Fields that one signer fills in."""

MOST_SHOWN: Final = 20
"""Places of one field: its text is set anew for each that has another size."""

MOST_CHOICES: Final = 30
USUAL_LENGTH: Final = 100
_SEPARATING: Final = frozenset(":;：；")
"""What stands between labels and values wherever these are listed: a label with one could pose as a value."""

FIRST_YEAR, LAST_YEAR = 1900, 2199
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class SignerInputs:
    """Thread-safe. ``by`` is who acts (a subject), ``seen`` the version of the draft that was shown."""

    def __init__(self, records: ContractRecords, backend: SigningBackend, layouts: DocumentLayouts) -> None:
        self._records = records
        self._workshop = backend.workshop
        self._layouts = layouts

    def add(
        self, contract_id: str, party_id: str, field: SignerInput, *, by: str, seen: int | None = None
    ) -> Contract:
        """A further field for the signer of the party, not placed yet; id and number of *field* do not count.
        Raises :class:`PreconditionRefused` for what cannot be, and as :func:`admit`."""
        with self._records.database.transaction() as tx:
            draft = admit(tx, Command(contract_id, Permission.EDIT, by, self._records.now(), seen, party_id))
            party = draft.require_party(party_id)
            require_fillable(party)
            if len(party.inputs) >= MOST_INPUTS:
                raise PreconditionRefused("One signer fills in at most {most} fields.", most=MOST_INPUTS)
            number = max((each.number for each in party.inputs), default=0) + 1
            tidy = _tidied(field)
            if same_name(tidy.label, *(each.label for each in party.inputs)):
                raise PreconditionRefused("“{label}” is there already; call it something else.", label=tidy.label)
            tidy = replace(tidy, id=secrets.token_hex(12), number=number, value="")
            contracts.save_input(tx, party_id, tidy)
            return self._changed(tx, draft, party)

    def remove(self, contract_id: str, input_id: str, *, by: str, seen: int | None = None) -> Contract:
        with self._records.database.transaction() as tx:
            draft = admit(tx, Command(contract_id, Permission.EDIT, by, self._records.now(), seen))
            party, _ = _named(draft, input_id)
            contracts.remove_input(tx, input_id)
            return self._changed(tx, draft, party)

    def place(
        self,
        contract_id: str,
        input_id: str,
        places: Sequence[Placement],
        *,
        by: str,
        seen: int | None = None,
    ) -> Contract:
        """The field shows at *places*; none takes it off the pages."""
        with self._records.database.transaction() as tx:
            draft = admit(tx, Command(contract_id, Permission.EDIT, by, self._records.now(), seen))
            party, field = _named(draft, input_id)
            draft_rules.require_places(draft, places, before=field.places)
            if len(places) > MOST_SHOWN:
                raise PreconditionRefused("What is filled in has at most {most} places.", most=MOST_SHOWN)
            contracts.save_input(tx, party.id, replace(field, places=tuple(places)))
            return self._changed(tx, draft, party)

    def _changed(self, tx: Transaction, draft: Contract, party: Party) -> Contract:
        count = len(contracts.load_inputs(tx, party.id))
        event = AuditEvent(
            EventKind.FIELDS_PLACED,
            self._records.now(),
            draft.initiator,
            draft.id,
            {"party": party.id, "places": len(party.places), "inputs": count},
        )
        return record_change(tx, draft, event)

    def fill(
        self, contract_id: str, party_id: str, typed: Mapping[str, str], *, by: str
    ) -> Mapping[str, Sentence]:
        """Keeps what the signer *by* has *typed*, by the ids of the fields, until it is signed; what is wrong with
        it, by the same ids, and nothing is kept then. Raises as :func:`admit`."""
        command = Command(contract_id, Permission.SIGN, by, self._records.now(), party=party_id)
        with self._records.database.reading() as tx:
            contract = admit(tx, command)
        party = contract.require_party(party_id)
        values: dict[str, str] = {}
        problems: dict[str, Sentence] = {}
        for field in party.inputs:
            try:
                values[field.id] = self._accepted(contract, field, typed.get(field.id, ""))
            except (PreconditionRefused, DocumentRefused) as refusal:
                problems[field.id] = Sentence(refusal.template, refusal.values)
        if problems:
            return problems
        with self._records.database.transaction() as tx:
            party = admit(tx, command).require_party(party_id)
            if party.responsible != by or intents.is_under_way(tx, party_id):
                raise StateRefused("Your signature is being made; nothing can be filled in any more.")
            if party.filled != tuple(
                (visible(each.label), values[each.id]) for each in party.inputs if values[each.id]
            ):
                intents.abandon_of_party(tx, party_id, "filled in anew")
            for field in party.inputs:
                contracts.save_input(tx, party_id, replace(field, value=values[field.id]))
        return {}

    def _accepted(self, contract: Contract, field: SignerInput, typed: str) -> str:
        """What *typed* becomes. Raises :class:`PreconditionRefused` and :class:`DocumentRefused`."""
        value = accepted_value(field, typed)
        if value:
            pages = self._layouts.inspection(contract.original.digest).pages
            on = ((pages[each.page], each) for each in field.places)
            self._require_room(
                value, {(page.width * each.width / 100, page.height * each.height / 100) for page, each in on}
            )
        return value

    def _require_room(self, value: str, sizes: Collection[tuple[float, float]]) -> None:
        try:
            self._workshop.require_room(value, sizes)
        except DocumentRefused as refusal:
            if refusal.reason != "no-glyph":
                raise
            raise PreconditionRefused(
                "The characters {characters} cannot be shown in a document; write it differently.",
                characters=refusal.values["characters"],
            ) from refusal


def accepted_value(field: SignerInput, typed: str) -> str:
    """*typed* in one line, as it will be shown; empty for nothing. Raises :class:`PreconditionRefused`."""
    if any(unicodedata.category(each)[0] == "C" and each not in "\t\r\n" for each in typed):
        raise PreconditionRefused("There are characters in it that cannot be seen; type it again.")
    value = visible(typed)
    if not value:
        if field.required:
            raise PreconditionRefused("This has to be filled in.")
        return ""
    match field.kind:
        case InputKind.CHOICE if value not in field.choices:
            raise PreconditionRefused("Choose one of the list.")
        case InputKind.DATE:
            return _day(value)
        case InputKind.TEXT if len(value) > field.most:
            raise PreconditionRefused("At most {most} characters.", most=field.most)
    return value


def _day(typed: str) -> str:
    found = _DAY.fullmatch(unicodedata.normalize("NFKC", typed))
    try:
        day = date(*map(int, found.groups())) if found else None
    except ValueError:
        day = None
    if day is None:
        raise PreconditionRefused("A date as year-month-day, such as 2026-12-31.")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PreconditionRefused("A date between {first} and {last}.", first=FIRST_YEAR, last=LAST_YEAR)
    return day.isoformat()


def require_fillable(party: Party) -> None:
    """Raises :class:`PreconditionRefused` for a party whose signer fills nothing in: a seal, or somebody whose
    own software makes the whole revision."""
    if party.kind is PartyKind.SEAL:
        raise PreconditionRefused("A seal fills nothing in; give the field to whoever signs.")
    if party.method is SigningMethod.OWN_CERTIFICATE:
        raise PreconditionRefused(FILLS_NOTHING_IN, name=party.name)


def _tidied(field: SignerInput) -> SignerInput:
    label, choices = (
        visible(words(field.label)).rstrip(":： "),
        tuple(dict.fromkeys(filter(None, map(visible, field.choices)))),
    )
    if not 1 <= len(label) <= LONGEST_LABEL or not is_visible(label):
        raise PreconditionRefused("Say what is to be filled in, in at most {most} characters.", most=LONGEST_LABEL)
    if _SEPARATING.intersection(label):
        raise PreconditionRefused("Write it without colons and semicolons: what is filled in comes after one.")
    if field.kind is InputKind.CHOICE:
        if not 2 <= len(choices) <= MOST_CHOICES:
            raise PreconditionRefused("A choice has 2 to {most} options, one in each line.", most=MOST_CHOICES)
        if max(map(len, choices)) > LONGEST_LABEL:
            raise PreconditionRefused("An option has at most {most} characters.", most=LONGEST_LABEL)
    if field.kind is InputKind.TEXT and not 1 <= field.most <= LONGEST_VALUE:
        raise PreconditionRefused("A text has 1 to {most} characters.", most=LONGEST_VALUE)
    return replace(field, label=label, choices=choices if field.kind is InputKind.CHOICE else ())


def _named(draft: Contract, input_id: str) -> tuple[Party, SignerInput]:
    for party in draft.parties:
        for field in party.inputs:
            if field.id == input_id:
                return party, field
    raise NotFound("The contract has no such field.")
