"""Seals of other companies in a package: used and released by outside signers of the same company, by nobody else.

The authority releases them by these rules, so a package in which anybody else asked for one or approved it is from
a portal that did not keep them. Of people whose certificates are not in the package it is only known that they are
from outside; who they are is the word of the portal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from appliance.evidence.history import SIGNED, PackageEvent
from appliance.evidence.model import PackageRefused
from hsm.errors import Sentence
from hsm.names import SubjectName, is_outside, is_outside_seal

RELEASES: Final = frozenset({"seal-requested", "seal-approved", "seal-half-approved"})
"""The events in which somebody asks for a seal, or approves its use."""

_OTHER_PEOPLE: Final = (
    "The history says that {person} asked for the seal {seal} or released it, who is not of the company whose seal"
    " it is."
)
_OTHER_COMPANY: Final = (
    "The seal {seal} is said to have signed for {party}, and its certificate is of {organisation}."
)
_VOUCHED: Final = (
    "These are seals of other companies, kept and released by outside signers of theirs: {seals}. That they are"
    " those companies' seals is what officers of the house vouch for."
)


def require_released_by_own(events: Sequence[PackageEvent], names: Mapping[str, SubjectName]) -> None:
    """Raises :class:`PackageRefused` when somebody of another side has asked for a seal or released it, or when
    the seal of another company has signed for anybody else.

    *names* are those in the certificates of the package, by subject. For a seal of the house only that nobody from
    outside uses it is asked: colleagues of another company in the same house could once.
    """
    for event in events:
        seal = str(event.public.get("signer" if event.kind == SIGNED else "seal", ""))
        if not seal.startswith("seal-") or (event.kind != SIGNED and event.kind not in RELEASES):
            continue
        outside = is_outside_seal(seal)
        of, by = names.get(seal), names.get(event.actor)
        same = not outside or of is None or by is None or of.organisation == by.organisation
        if outside != is_outside(event.actor) or not same:
            raise PackageRefused(_OTHER_PEOPLE, person=event.actor, seal=seal)
        party = event.private.get("organisation")
        if outside and of is not None and party not in (None, of.organisation):
            raise PackageRefused(_OTHER_COMPANY, seal=seal, party=party, organisation=of.organisation)


def vouched_for(signers: Iterable[SubjectName]) -> Iterator[Sentence]:
    """Who answers for it that these are the seals of whom they name."""
    seals = [each.common_name for each in signers if is_outside_seal(each.identifier or "")]
    if seals:
        yield Sentence(_VOUCHED, {"seals": ", ".join(dict.fromkeys(seals))})
