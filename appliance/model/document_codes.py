"""Document codes (查验码): twelve signs by which whoever has a contract, on paper or as a file, asks the appliance
what became of it. No I/O.

A code is drawn at random (59 bits) when the contract is sent and says nothing of it. Whoever knows it learns what
:class:`PublishedContract` has, and no words of the contract.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from appliance.model.contract import ContractState, Party, PartyKind, PartyState
from appliance.model.partners import CODE_SIGNS
from hsm.names import same_name

LENGTH: Final = 12
_GROUP: Final = 4


def draw_code() -> str:
    """A new code, as it is kept."""
    return "".join(secrets.choice(CODE_SIGNS) for _ in range(LENGTH))


def show_code(code: str) -> str:
    """As people read it: ``4F7K-20QX-9TRB``."""
    return "-".join(code[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def page_address(public_url: str, code: str) -> str:
    """The address of the page about *code* at the portal's *public_url*."""
    return f"{public_url.rstrip('/')}/verify/{show_code(code)}"


def read_code(typed: str) -> str | None:
    """What somebody *typed*, as it is kept, or None for what no code can be. Letters that no code has stand for
    the digits that they are taken for."""
    if len(typed) > 4 * LENGTH:
        return None
    code = "".join(typed.split()).replace("-", "").upper().translate(_TAKEN_FOR)
    return code if len(code) == LENGTH and set(code) <= set(CODE_SIGNS) else None


_TAKEN_FOR: Final = str.maketrans("IOSZ", "1052")


@dataclass(frozen=True, slots=True)
class PublishedSignature:
    """Who signed, as strangers see it: organisation in full, a person's name but for its first letter hidden."""

    name: str
    organisation: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PublishedContract:
    """What anybody learns by a code. ``digests`` are those of the complete file (SHA-256 in hex): as it was
    completed, and as its archive timestamps were renewed; the last one is today's. Before completion there are
    none, and no ``signatures``. ``ended`` is the first day from which an agreement of its parties replaces or
    terminates it."""

    code: str
    number: str
    state: ContractState
    completed: datetime | None
    pages: int
    signatures: tuple[PublishedSignature, ...]
    digests: tuple[str, ...]
    ended: date | None = None


def hide_name(party: Party) -> str:
    """The name of *party* as strangers see it: a company's in full, of a person's the first letter, unless that
    is all of it."""
    if party.kind is PartyKind.SEAL:
        return party.name
    return f"{party.name[:1]}**" if len(party.name) > 1 else "**"


def _organisation_of(party: Party) -> str:
    """The organisation of *party*; none for people who were entered under their own names as one."""
    return (
        "" if party.kind is PartyKind.PERSON and same_name(party.organisation, party.name) else party.organisation
    )


def signatures_of(parties: tuple[Party, ...]) -> tuple[PublishedSignature, ...]:
    """Those of *parties* who have signed."""
    return tuple(
        PublishedSignature(hide_name(each), _organisation_of(each), each.signed_at)
        for each in parties
        if each.state is PartyState.SIGNED and each.signed_at is not None
    )
